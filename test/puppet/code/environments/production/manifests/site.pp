node default {
  include probe
}

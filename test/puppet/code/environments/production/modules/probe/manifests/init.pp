# What a run through the balancer must be able to carry: trusted identity, single files, a directory,
# facts that only pluginsync brings, and a compile as long as the agent asks for.
class probe {
  $root = $facts['probe_root']
  $role = $trusted['extensions']['pp_role']

  # Read back from the agent's copy of the catalog: which master compiled it.
  tag("compiled-by-${settings::certname}")

  if $facts['probe_pause'] {
    probe::pause(Integer($facts['probe_pause']))
  }

  file { $root:
    ensure => directory,
  }

  file { "${root}/identity":
    content => "certname=${trusted['certname']} role=${role} authenticated=${trusted['authenticated']}\n",
  }

  file { "${root}/facts":
    content => "custom=${facts['probe_custom']} external=${facts['probe_external']}\n",
  }

  file { "${root}/motd":
    source => 'puppet:///modules/probe/motd',
  }

  file { "${root}/tree":
    source  => 'puppet:///modules/probe/tree',
    recurse => true,
  }
}

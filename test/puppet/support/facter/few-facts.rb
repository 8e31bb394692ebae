# Loaded into agents before Puppet is: Facter looks for its configuration in /etc only, and that is the machine's.
require 'facter'
Facter::OptionStore.set(:config, "#{__dir__}/facter.conf")
Facter::Options.init

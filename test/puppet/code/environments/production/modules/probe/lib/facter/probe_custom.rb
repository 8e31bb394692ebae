# Known to an agent only after pluginsync.
Facter.add(:probe_custom) do
  setcode { 'from-pluginsync' }
end

/** Where Puppet Server has its files, with Debian's packages and with the vendor's, best known first. */
export const serverConfigurations = [
  '/etc/puppet/puppetserver/conf.d',
  '/etc/puppetlabs/puppetserver/conf.d'
] as const
export const authorityDirectories = [
  '/etc/puppet/puppetserver/ca',
  '/etc/puppetlabs/puppetserver/ca'
] as const

/** A file of a Puppet Server's configuration, as a remedy names it. */
export function serverFile(name: string): string {
  const [debian, vendor] = serverConfigurations
  return `${debian}/${name} (Debian) or ${vendor}/${name} (the vendor's packages)`
}

/** A file of the CA. */
export function authorityFile(name: string): string {
  const [debian, vendor] = authorityDirectories
  return `${debian}/${name} (Debian) or ${vendor}/${name} (the vendor's packages)`
}

/** What a change of a Puppet Server's configuration wants. */
export const restart = 'then restart puppetserver'

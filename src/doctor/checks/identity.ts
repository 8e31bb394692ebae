import type { MemberFacts, SiteFacts } from '../facts.ts'
import { type Finding, findingOf } from '../finding.ts'
import { restart, serverFile } from '../places.ts'

const find = findingOf('identity')

/** For whom masters take the balancer, and who else is believed. Pure. */
export function checkIdentity({ masters, ca, isCaMaster }: SiteFacts): readonly Finding[] {
  return [...masters.flatMap(checkMaster), ...(isCaMaster ? [] : checkOpen(ca))]
}

function checkMaster(master: MemberFacts): readonly Finding[] {
  if (!master.identity) return []
  if (master.isRaw) return checkRaw(master, master.identity.withOurs)
  return [...checkBelieved(master), ...checkOpen(master)]
}

function checkBelieved({ name, identity }: MemberFacts): readonly Finding[] {
  if (identity?.withOurs === 'refused') {
    const who =
      identity.asOurselves === 'allowed'
        ? 'takes every agent for the balancer, by its client certificate'
        : 'takes every agent for nobody'
    return [
      find(
        'error',
        name,
        `it does not believe identity headers and ${who}: agents get 403 for their catalogs.`,
        `Set allow-header-cert-info: true, the first key inside authorization, in ${serverFile('auth.conf')}, ${restart}. ` +
          'Before that, close its door: nobody but the balancer may reach it.'
      )
    ]
  }
  if (identity?.forAnother === 'allowed') {
    return [
      find(
        'warning',
        name,
        'it gives one agent the node of another: its rules for /puppet/v3/node allow more than the packaged ones.',
        `Compare the rules in ${serverFile('auth.conf')} with those of the package: the one for nodes says allow: "$1".`
      )
    ]
  }
  return []
}

/** A door that is open to more than the balancer. */
function checkOpen({ name, url, identity }: MemberFacts): readonly Finding[] {
  if (!identity) return []
  if (identity.withNone === 'allowed') {
    return [
      find(
        'error',
        name,
        'it believes identity headers from whoever reaches it, without any client certificate: anybody who can connect ' +
          'to it can be any agent.',
        `In ${serverFile('webserver.conf')} set client-auth: need, and ssl-ca-cert to a certificate that the balancer ` +
          `alone has (with it ssl-cert and ssl-key must be set), ${restart}. ${never(name)}`
      )
    ]
  }
  if (identity.withPuppet === 'allowed') {
    return [
      find(
        'error',
        name,
        'it believes identity headers from whoever has a certificate of the Puppet CA: each agent that can connect to ' +
          'it can be any other.',
        `In ${serverFile('webserver.conf')} set ssl-ca-cert to a certificate that the balancer alone has (with it ssl-cert ` +
          `and ssl-key must be set), ${restart}, and give the balancer that certificate as upstream.tls.cert. ${never(name)}`
      )
    ]
  }
  if (!url.startsWith('https:') && identity.withOurs === 'allowed') {
    return [
      find(
        'note',
        name,
        'it believes identity headers over plain HTTP, which is safe as long as the network lets nobody else reach it. ' +
          'From here that cannot be seen.',
        `Try it from the machine of an agent: curl ${url}/status/v1/simple must get no answer.`
      )
    ]
  }
  return []
}

function never(name: string): string {
  return name === 'ca'
    ? 'A CA that agents enrol at directly cannot demand that: set allow-header-cert-info: false there.'
    : 'Until then, let a firewall admit the balancer alone.'
}

/** Agents connect to it themselves, through us: headers are theirs to write. */
function checkRaw({ name, identity }: MemberFacts, overPlain: string): readonly Finding[] {
  const isBelieving = [overPlain, identity?.withNone, identity?.withPuppet].includes('allowed')
  if (!isBelieving) return []
  return [
    find(
      'error',
      name,
      'it believes identity headers, and gets raw TCP from agents (listen.tcp): each of them can be any other.',
      `Set allow-header-cert-info: false in ${serverFile('auth.conf')}, ${restart}.`
    )
  ]
}

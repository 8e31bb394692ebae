import type { X509Certificate } from 'node:crypto'
import type { AskedName } from '../model/asked-name.ts'
import type { CodeStatus } from '../model/code.ts'
import type { DescriptorBudget } from '../model/descriptors.ts'
import type { Status } from '../model/status.ts'
import type { AuthorityList } from '../pki/crl.ts'
import type { Cause } from '../upstream/cause.ts'

/**
 * What a master does with a request for the node of one certname. `allowed`: it took the request for that one's.
 * `refused`: its rules deny it, or it shakes hands with nobody who comes so. `unclear`: neither can be told.
 */
export type Verdict = 'allowed' | 'refused' | 'unclear'

/** For whom a master takes whoever comes with identity headers. */
export interface IdentityFacts {
  /** With the balancer's own client certificate, for the certname in the headers. */
  readonly withOurs: Verdict
  /** The same for another certname than the one in the headers: nobody may have that. */
  readonly forAnother: Verdict
  /** For the certname of the balancer's own client certificate; `undefined`: it has none, or was not asked. */
  readonly asOurselves: Verdict | undefined
  /** Without a client certificate; `undefined` over plain HTTP, where nobody has one. */
  readonly withNone: Verdict | undefined
  /** With a certificate of the Puppet CA, such as every agent has; `undefined`: there was none to try with. */
  readonly withPuppet: Verdict | undefined
}

/** An answer to something that the balancer, or an agent, will ask. */
export interface Permission {
  readonly method: string
  /** Without query, as a rule of `auth.conf` matches it. */
  readonly path: string
  readonly status: number
}

/** What tells whether masters serve the same code. */
export interface CodeFacts {
  readonly environments: readonly string[]
  /** The environment whose plugins were listed. */
  readonly environment: string
  /** Checksums of the plugins of all its modules, by path; `undefined`: it gave no list. */
  readonly plugins: ReadonlyMap<string, string> | undefined
}

/** What the CA serves to everybody. A body counts with a status of 200. */
export interface Documents {
  readonly bundle: string | undefined
  readonly list: string | undefined
  /**
   * When the full list of each CA is to be replaced, in milliseconds since 1970, by its common name: what the CA says of
   * its own file, whichever list it serves. `undefined`: it does not say.
   */
  readonly fullListEnds: ReadonlyMap<string, number> | undefined
}

/** A master or the CA, as far as it can be seen from outside. */
export interface MemberFacts {
  /** `ca` for the CA. */
  readonly name: string
  readonly url: string
  readonly pools: readonly string[]
  /** It gets raw TCP from agents, so it must not believe headers. */
  readonly isRaw: boolean
  /** JRubies, where the configuration says how many. */
  readonly capacity: number | undefined
  /** Why it cannot be asked, or does not work; `undefined`: it answers. */
  readonly trouble: Cause | undefined
  /** What it shows in a handshake, believed or not. */
  readonly certificate: X509Certificate | undefined
  /** How far its clock is ahead of ours; `undefined`: it does not say. */
  readonly aheadMs: number | undefined
  /** Of its Puppet Server. */
  readonly version: string | undefined
  readonly identity: IdentityFacts | undefined
  readonly permissions: readonly Permission[]
  readonly code: CodeFacts | undefined
  /** Of the CA alone. */
  readonly documents: Documents | undefined
}

/** The members of a site, and what DNS said on the way to them. */
export interface SiteFacts {
  readonly masters: readonly MemberFacts[]
  readonly ca: MemberFacts
  /** Whether the CA is the same server as one of the masters. */
  readonly isCaMaster: boolean
  /** Names that could not be looked up, with why. */
  readonly unknownNames: readonly { readonly name: string; readonly cause: string }[]
  readonly remarks: readonly string[]
}

/** What the kernel of this machine says; `undefined` where it does not. */
export interface MachineFacts {
  readonly somaxconn: number | undefined
  /** `net.ipv4.tcp_migrate_req`. */
  readonly migrates: number | undefined
  /** How many local ports connections to one master's address can have. */
  readonly localPorts: number | undefined
}

/** What a balancer tells that runs with the same configuration. */
export interface RunningFacts {
  readonly names: readonly AskedName[]
  readonly descriptors: DescriptorBudget | undefined
  readonly reload: {
    readonly ok: boolean
    readonly problems: readonly string[]
    readonly needsRestart: readonly string[]
  }
  readonly masters: readonly {
    readonly name: string
    readonly state: string
    readonly cause: string | null
  }[]
  /** What masters were seen to serve. */
  readonly code: readonly CodeStatus[]
  readonly ownCertificate: OwnCertificateFacts
  /** The lists it goes by; null: none are in force. */
  readonly crl: Status['crl']
}

/** How it stands with the certificate that agents see, as a balancer that runs says. */
export type OwnCertificateFacts = Status['ownCertificate']

/** A file of lists here, by the key of the configuration that leads to it. */
export interface OwnListFile {
  readonly key: 'tls.crl.file' | 'tls.crl.directory'
  readonly file: string
  readonly lists: readonly AuthorityList[]
  /** Why it cannot be used, one sentence each. */
  readonly problems: readonly string[]
}

/** What of lists is on this machine. */
export interface OwnLists {
  readonly files: readonly OwnListFile[]
  /** Whether any that were fetched are kept; `undefined`: none are to be, or this user may not know. */
  readonly isKept: boolean | undefined
}

/** A Puppet Server's own files on this machine, as texts. */
export interface ServerFiles {
  readonly directory: string
  readonly auth: string | undefined
  readonly ca: string | undefined
  readonly webserver: string | undefined
}

/** The full revocation list as the CA itself has it, on the CA's machine. */
export interface OwnList {
  readonly file: string
  readonly bytes: Buffer
  /** Somebody said that it is there, so it must be of the CA that is asked; otherwise it may be left from another one. */
  readonly isNamed: boolean
}

import semver from 'semver'

/** What an agent does about a `Retry-After` depends on its version, and on nothing else. */
export interface AgentGeneration {
  /** Sent with every request; `undefined` for a client that says none. */
  readonly version: string | undefined
  /** `returns`: sleeps and asks again. `dies`: sleeps, and fails then. `ignores`: fails as with any other 503. */
  readonly onRetryAfter: 'returns' | 'dies' | 'ignores'
  /** How often it sleeps for one request before it gives up. */
  readonly mostSleeps: number
  /** Whether requests for the content of a file come without the version, as from the class of agents before 6. */
  readonly hidesVersionAtContent: boolean
}

/** As the agents' own sources have it: `network/http/connection.rb` before 6.14, `http/client.rb` since. */
export function generationOf(version: string | undefined): AgentGeneration {
  const is = (range: string) => version !== undefined && semver.satisfies(version, range)
  return {
    version,
    onRetryAfter: is('>=6.14.0 <7.26.0 || >=8.0.0 <8.2.0') ? 'dies' : is('>=5.3.1') ? 'returns' : 'ignores',
    mostSleeps: is('>=6.14.0') ? 100 : 10,
    hidesVersionAtContent: is('<6.0.0')
  }
}

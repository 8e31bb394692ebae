/**
 * Codes of the system that say what this machine or this process is out of, and nothing of whoever was to be reached:
 * descriptors (EMFILE of the process, ENFILE of the system), local ports (EADDRNOTAVAIL), buffers and memory (ENOBUFS,
 * ENOMEM), the network of this machine being down (ENETDOWN), a resolver that does not answer (EAI_AGAIN, EAI_MEMORY,
 * EAI_SYSTEM: POSIX getaddrinfo).
 */
const ownFaults: ReadonlySet<string> = new Set([
  'EMFILE',
  'ENFILE',
  'EADDRNOTAVAIL',
  'ENOBUFS',
  'ENOMEM',
  'ENETDOWN',
  'EAI_AGAIN',
  'EAI_MEMORY',
  'EAI_SYSTEM'
])

/**
 * Whether an error of connecting or of reading a file comes of a fault of our own. One that stands for several tries,
 * at the addresses of one name, does only when each of them does: a machine without IPv6 has no address to try it from.
 */
export function isOwnFault(error: unknown): boolean {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(isOwnFault)
  if (!(error instanceof Error)) return false
  const { code } = error as NodeJS.ErrnoException
  return code !== undefined && ownFaults.has(code)
}

import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** What Node's parser takes like HTTP beside it (llhttp: `GET / RTSP/1.0`, `SOURCE / ICE/1.0`). */
const others = ['RTSP/', 'ICE/'] as const

/** Methods that it takes of RTSP alone. */
const ofRtsp: ReadonlySet<string> = new Set([
  'DESCRIBE',
  'ANNOUNCE',
  'SETUP',
  'PLAY',
  'PAUSE',
  'TEARDOWN',
  'GET_PARAMETER',
  'SET_PARAMETER',
  'REDIRECT',
  'RECORD',
  'FLUSH'
])

/** Of a request, as its parser shows it while it is told. */
type Told = Pick<IncomingMessage, 'method' | 'url' | 'httpVersion'>

/**
 * Puts the name of another protocol into the version of a request, so that it is not taken for HTTP. To be called when
 * the request is told, with what tells the bytes it came in. Those are looked at where it may matter: for 1.0, the version
 * of these protocols, and for the `first` request of a connection. A request line that came in pieces is not seen.
 */
export function nameProtocol(request: Told, isFirst: boolean, bytes: () => Buffer | undefined): void {
  const { method = '', url = '', httpVersion } = request
  if (ofRtsp.has(method)) request.httpVersion = `RTSP/${httpVersion}`
  else if (isFirst || httpVersion === '1.0') {
    const came = bytes()
    const other = came && others.find(name => isRequestLine(came, method, url, name))
    if (other !== undefined) request.httpVersion = `${other}${httpVersion}`
  }
}

/** Whether a line with this method and target in front of the name is among these bytes. */
function isRequestLine(bytes: Buffer, method: string, url: string, name: string): boolean {
  for (let at = bytes.indexOf(name); at >= 0; at = bytes.indexOf(name, at + 1)) {
    const line = bytes.toString('latin1', bytes.lastIndexOf('\n', at) + 1, at)
    const [first, target, ...rest] = line.trim().split(/ +/)
    if (first === method && target === url && rest.length === 0) return true
  }
  return false
}

/** The bytes that the parser of a connection reads now; it has no public name. */
export function bytesInHand(socket: Socket): Buffer | undefined {
  const { parser } = socket as Socket & {
    readonly parser?: { readonly getCurrentBuffer?: () => Buffer } | null
  }
  return parser?.getCurrentBuffer?.()
}

import type { Socket } from 'node:net'

/** The same bytes again and again: making them costs nothing, so what is measured is their way. */
const piece = Buffer.alloc(256 * 1024, 'puppet ')

/** Writes so many bytes as fast as the other side takes them, and ends. */
export function pour(socket: Socket, bytes: number): void {
  let left = bytes
  const write = () => {
    while (left > 0) {
      const chunk = left < piece.length ? piece.subarray(0, left) : piece
      left -= chunk.length
      if (!socket.write(chunk) && left > 0) {
        socket.once('drain', write)
        return
      }
    }
    socket.end()
  }
  write()
}

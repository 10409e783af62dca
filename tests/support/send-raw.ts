import { once } from 'node:events'
import { connect } from 'node:net'

export type RawAnswer = { status: number; headers: Map<string, string>; text: string }

/**
 * Sends bytes as they are and reads one answer: for what no HTTP client would send. The connection
 * is closed by the server, or by us when the announced body is complete.
 */
export async function sendRaw(url: string, bytes: string | Buffer): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    if (isComplete(Buffer.concat(chunks).toString('latin1'))) socket.end()
  })
  socket.on('error', () => {}) // a server may close while we are still sending
  socket.setTimeout(30_000, () => socket.destroy())
  socket.write(bytes)
  await once(socket, 'close')
  const text = Buffer.concat(chunks).toString()
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  return { status: Number(statusLine.split(' ')[1]), headers, text: rest.join('\r\n\r\n') }
}

function isComplete(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return false
  const length = /^content-length: *(\d+)/im.exec(text.slice(0, end))
  return length !== null && text.length - end - 4 >= Number(length[1])
}

import { once } from 'node:events'
import { connect } from 'node:net'

/** A parsed response; header names are in lower case. */
export type RawResponse = { status: number; headers: Map<string, string>; text: string }

/**
 * Sends raw bytes and reads one response, for requests that no HTTP client would send. Closes the
 * connection when the body is complete, unless the server has closed it.
 */
export async function sendRaw(url: string, bytes: string | Buffer): Promise<RawResponse> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    if (isComplete(Buffer.concat(chunks).toString('latin1'))) socket.end()
  })
  socket.on('error', () => {}) // the server may close while the request is still being sent
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

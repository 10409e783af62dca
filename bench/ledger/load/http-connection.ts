import net from 'node:net'

/** Receives a response: its status, and its body as latin1 text, which is exact for ASCII JSON. */
export type OnResponse = (status: number, body: string) => void

/** An open connection. */
export interface HttpConnection {
  /** Sends a complete request; the caller waits for the response before the next one. */
  send(request: string): void
  close(): void
}

const READ_BYTES = 16 * 1024
const HEAD_END = '\r\n\r\n'
const LENGTH = '\r\ncontent-length: '
const STATUS_AT = 'HTTP/1.1 '.length

/**
 * Opens a keep-alive connection with one request in flight. It parses only the HTTP that these
 * servers send, because the generator shares its cores with the system under test.
 */
export function openConnection(
  { hostname, port }: URL,
  onResponse: OnResponse,
  onError: (error: Error) => void,
): Promise<HttpConnection> {
  let received = ''
  let closing = false
  const onRead = (bytes: number, buffer: Uint8Array): boolean => {
    const chunk = (buffer as Buffer).toString('latin1', 0, bytes)
    received = received === '' ? chunk : received + chunk
    const headEnd = received.indexOf(HEAD_END)
    if (headEnd === -1) return true
    const bodyAt = headEnd + HEAD_END.length
    const end = bodyAt + contentLength(received)
    if (received.length < end) return true
    const status = Number(received.slice(STATUS_AT, STATUS_AT + 3))
    const body = received.slice(bodyAt, end)
    received = ''
    onResponse(status, body)
    return true
  }
  const { promise, resolve, reject } = Promise.withResolvers<HttpConnection>()
  const socket = net.connect({
    host: hostname,
    port: Number(port),
    noDelay: true,
    onread: { buffer: Buffer.allocUnsafe(READ_BYTES), callback: onRead },
  })
  socket.once('connect', () => {
    resolve({
      send: (request) => void socket.write(request, 'latin1'),
      close: () => {
        closing = true
        socket.destroy()
      },
    })
  })
  const fail = (error: Error): void => {
    reject(error)
    onError(error)
  }
  socket.on('error', fail)
  socket.on('close', () => {
    if (!closing) fail(new Error('the server closed a connection'))
  })
  return promise
}

function contentLength(received: string): number {
  const at = received.indexOf(LENGTH)
  if (at === -1) throw new Error('the response has no content-length')
  const from = at + LENGTH.length
  return Number(received.slice(from, received.indexOf('\r', from)))
}

import net from 'node:net'

/** One answer: its status and its body as latin1 text, which is what ASCII JSON is. */
export type OnAnswer = (status: number, body: string) => void

export interface HttpConnection {
  /** Sends a whole request; one at a time. */
  send(request: string): void
  close(): void
}

const READ_BYTES = 16 * 1024
const HEAD_END = '\r\n\r\n'
const LENGTH = '\r\ncontent-length: '
const STATUS_AT = 'HTTP/1.1 '.length

/**
 * A kept-alive connection with one request in flight. It reads just enough of HTTP for servers of
 * ours: the generator shares its cores with what it measures.
 */
export function openConnection(
  { hostname, port }: URL,
  onAnswer: OnAnswer,
  onFault: (error: Error) => void,
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
    onAnswer(status, body)
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
    onFault(error)
  }
  socket.on('error', fail)
  socket.on('close', () => {
    if (!closing) fail(new Error('the server closed a connection'))
  })
  return promise
}

function contentLength(received: string): number {
  const at = received.indexOf(LENGTH)
  if (at === -1) throw new Error('an answer without content-length')
  const from = at + LENGTH.length
  return Number(received.slice(from, received.indexOf('\r', from)))
}

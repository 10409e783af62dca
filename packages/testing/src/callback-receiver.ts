import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestScope } from './test-database.ts'

/** A callback as it arrived. */
export interface ReceivedCallback {
  headers: IncomingHttpHeaders
  body: string
}

/** A server that stores every callback, in the order of arrival, and answers it. */
export interface CallbackReceiver {
  url: string
  received: ReceivedCallback[]
  /** The status of the next answers; 204 at first. */
  answerWith(status: number): void
}

/** Starts a receiver of callbacks, which stops when the scope ends. */
export async function receiveCallbacks(scope: TestScope): Promise<CallbackReceiver> {
  const received: ReceivedCallback[] = []
  let status = 204
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
      response.writeHead(status).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  scope.after(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callbacks`,
    received,
    answerWith: (next) => {
      status = next
    },
  }
}

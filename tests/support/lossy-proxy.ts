import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { TestScope } from '@caudal/testing/test-database.ts'

/** A running proxy. */
export type LossyProxy = {
  url: string
  /** How many responses were dropped, and how many requests were refused. */
  counts: { lost: number; refused: number }
}

type Fate = 'pass' | 'lose' | 'refuse'

/**
 * Starts a proxy in front of the gateway. For each write, the test decides whether it passes,
 * passes but its response is lost, or is refused.
 */
export async function startLossyProxy(
  scope: TestScope,
  gatewayUrl: string,
  fateOf: (writes: number) => Fate,
): Promise<LossyProxy> {
  const counts = { lost: 0, refused: 0 }
  let writes = 0

  async function pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const fate = incoming.method === 'POST' ? fateOf(writes++) : 'pass'
    if (fate === 'refuse') {
      counts.refused += 1
      incoming.socket.destroy()
      return
    }
    const body = await buffer(incoming)
    const { method, headers, url } = incoming
    const inner = request(`${gatewayUrl}${url}`, { method: method!, headers })
    inner.on('error', () => response.destroy())
    inner.on('response', (answer) => {
      if (fate === 'lose') {
        counts.lost += 1
        answer.resume()
        incoming.socket.destroy()
      } else {
        response.writeHead(answer.statusCode!, answer.headers)
        answer.pipe(response)
      }
    })
    inner.end(body)
  }

  const server = createServer((incoming, response) => void pass(incoming, response))
  server.listen(0, '127.0.0.1')
  await new Promise((listening) => server.once('listening', listening))
  scope.after(
    () =>
      new Promise<void>((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  )
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, counts }
}

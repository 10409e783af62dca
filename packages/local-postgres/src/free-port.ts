import { once } from 'node:events'
import { createServer } from 'node:net'

/** A TCP port of `host` that nobody listens on right now; another program may still take it. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = createServer()
  server.listen(0, host)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('No port was assigned')
  return address.port
}

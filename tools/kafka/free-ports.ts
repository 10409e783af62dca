import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

// Below the range from which systems take the ports of outgoing connections, so that a broker that
// is killed and started again finds its ports still free.
const LOWEST = 12_000
const HIGHEST = 32_000

/** Ports of 127.0.0.1 that nobody listens at, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = []
  try {
    while (servers.length < count) {
      const server = createServer()
      const listening = once(server, 'listening')
      server.listen(randomInt(LOWEST, HIGHEST), '127.0.0.1')
      if (await succeeds(listening)) servers.push(server)
    }
    return servers.map((server) => (server.address() as { port: number }).port)
  } finally {
    await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))))
  }
}

function succeeds(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  )
}

import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/**
 * Starts a load balancer for several processes of a service: each connection goes to the next
 * process that accepts it.
 */
export async function startBalancer(
  port: number,
  ports: () => readonly number[],
): Promise<{ stop(): Promise<void> }> {
  const sockets = new Set<Socket>()
  let next = 0
  const server = createServer((client) => {
    sockets.add(client)
    client.on('error', () => {}).on('close', () => sockets.delete(client))
    next += 1
    const targets = ports()
    const order = targets.map((_, index) => targets[(next + index) % targets.length]!)
    void connectFirst(order).then((target) => {
      if (target === undefined) {
        client.destroy()
        return
      }
      sockets.add(target)
      target
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(target)
          client.destroy()
        })
      client.on('close', () => target.destroy())
      client.pipe(target).pipe(client)
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    async stop() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

async function connectFirst(ports: readonly number[]): Promise<Socket | undefined> {
  for (const port of ports) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return socket
    } catch {
      socket.destroy()
    }
  }
  return undefined
}

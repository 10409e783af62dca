import { randomInt } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

const HOST = '127.0.0.1'
const TRIES = 100

// Below the range from which systems take the ports of outgoing connections: whoever is killed and
// started again at its port finds it still free.
const RANGE = { lowest: 12_000, highest: 32_000 }

/** From `lowest` on, `highest` not included. */
export type PortRange = { lowest: number; highest: number }

/**
 * A TCP port of 127.0.0.1 that nobody listens at. No other call of this function on the machine
 * gives it out while this process lives: between the choice of a port and its use lie seconds in
 * which others choose theirs. A program that does not ask here may still take it.
 *
 * @throws {Error} when a hundred ports of the range were all in use
 */
export async function freePort(range: PortRange = RANGE): Promise<number> {
  for (let tries = 1; tries <= TRIES; tries += 1) {
    const port = randomInt(range.lowest, range.highest)
    const reservation = await reserve(port)
    if (reservation === undefined) continue
    if (await isFree(port)) return port
    reservation.close()
  }
  throw new Error(`no free port from ${range.lowest} to ${range.highest - 1} in ${TRIES} tries`)
}

/** Several of them, all different. */
export function freePorts(count: number): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, () => freePort()))
}

/**
 * A datagram socket of the same number: the kernel lets one program have it, and takes it back when
 * that ends. The ports of TCP are others, so whatever listens there is not disturbed.
 */
async function reserve(port: number): Promise<Socket | undefined> {
  const socket = createSocket('udp4').unref()
  socket.bind({ address: HOST, port, exclusive: true })
  try {
    await once(socket, 'listening')
    return socket
  } catch {
    socket.close()
    return undefined
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  server.listen(port, HOST)
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}

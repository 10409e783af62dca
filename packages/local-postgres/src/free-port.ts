import { randomInt } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

const HOST = '127.0.0.1'
const TRIES = 100

// Below the range of outgoing connections' ports, so that a process that is killed and restarted
// finds its port still free.
const RANGE = { lowest: 12_000, highest: 32_000 }

/** `lowest` is included, `highest` is not. */
export type PortRange = { lowest: number; highest: number }

/**
 * Allocates a TCP port of 127.0.0.1 on which nothing listens. No other call on this machine returns
 * the same port while this process runs, so that processes that start at the same time do not
 * choose the same one. A program that does not use this function can still take it.
 *
 * @throws {Error} if a hundred random ports of the range were all in use
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

/** Allocates `count` different ports. */
export function freePorts(count: number): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, () => freePort()))
}

/**
 * Reserves the number by binding a UDP socket to it: the kernel allows one process to bind it and
 * frees it when that process ends. UDP ports are separate from TCP ports, so this disturbs no TCP
 * listener.
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

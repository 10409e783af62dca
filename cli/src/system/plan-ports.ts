import { createServer, type Server } from 'node:net'
import { DEFAULT_PORTS } from '@caudal/config/default-ports.ts'
import { freePort } from '@caudal/local-postgres/free-port.ts'
import { SERVICE_ENTRIES } from './services.ts'

const HOST = '127.0.0.1'
const OPERATIONS_PORTS_AFTER = 100
const MAX_PORT = 65_535
const KEYS = Object.keys(DEFAULT_PORTS) as (keyof typeof DEFAULT_PORTS)[]
const PUSH_APNS_PORT = 8089

/** The chosen ports, reserved until `release`. */
export type PlannedPorts = {
  /** `CAUDAL_<KEY>_PORT`, `CAUDAL_<KEY>_URL` and `CAUDAL_<KEY>_OPERATIONS_PORT`. */
  env: NodeJS.ProcessEnv
  /** Frees the ports, so that the services can bind them. */
  release(): Promise<void>
}

/**
 * Chooses the port of each service and returns environment variables. The gateway gets `first` and
 * the others the ports after it; 0 chooses free ports. They are chosen before the start, so that
 * each service knows the addresses of its peers, and reserved until `release`, so that no other
 * program takes one.
 *
 * @throws {Error} naming a port that is in use
 */
export async function planPorts(
  env: NodeJS.ProcessEnv,
  names: readonly string[],
  first: number,
): Promise<PlannedPorts> {
  const starting = new Set(names.map((name) => SERVICE_ENTRIES.get(name)!.key))
  const reserved: Server[] = []
  const release = async (): Promise<void> => {
    await Promise.all(reserved.splice(0).map((server) => new Promise((done) => server.close(done))))
  }
  const planned: NodeJS.ProcessEnv = {}
  try {
    for (const key of KEYS) {
      const given = env[`CAUDAL_${key}_PORT`]
      const wanted = given ? Number(given) : following(first, DEFAULT_PORTS[key])
      const port = starting.has(key) ? await reservePort(key, wanted, reserved) : wanted
      planned[`CAUDAL_${key}_PORT`] = String(port)
      planned[`CAUDAL_${key}_URL`] = env[`CAUDAL_${key}_URL`] ?? `http://${HOST}:${port}`
    }
    for (const key of starting) {
      const port = await reserveOperationsPort(key, env, planned, reserved)
      planned[operationsPortOf(key)] = String(port)
    }
    if (starting.has('PUSH') && !env['CAUDAL_PUSH_APNS_PORT']) {
      const port = await reservePort('PUSH_APNS', following(first, PUSH_APNS_PORT), reserved)
      planned['CAUDAL_PUSH_APNS_PORT'] = String(port)
      planned['CAUDAL_PUSH_APNS_URL'] ??= `http://${HOST}:${port}`
    }
  } catch (error) {
    await release()
    throw error
  }
  return { env: planned, release }
}

/** The port that is as far from the gateway's as by default; 0, a free one, stays 0. */
function following(first: number, defaultPort: number): number {
  return first === 0 ? 0 : first + defaultPort - DEFAULT_PORTS.API_GATEWAY
}

/** The variable with the operations port of a service. */
export function operationsPortOf(key: string): string {
  return `CAUDAL_${key}_OPERATIONS_PORT`
}

/** A hundred after the port of the service, or a free one where that is taken. */
async function reserveOperationsPort(
  key: string,
  env: NodeJS.ProcessEnv,
  planned: NodeJS.ProcessEnv,
  reserved: Server[],
): Promise<number> {
  const name = `${key}_OPERATIONS`
  const given = env[operationsPortOf(key)]
  if (given) return reservePort(name, Number(given), reserved)
  const wanted = Number(planned[`CAUDAL_${key}_PORT`]) + OPERATIONS_PORTS_AFTER
  if (wanted > MAX_PORT) return reservePort(name, 0, reserved)
  return reservePort(name, wanted, reserved).catch(() => reservePort(name, 0, reserved))
}

/** Reserves the port, or a free one for 0. */
async function reservePort(key: string, wanted: number, reserved: Server[]): Promise<number> {
  return listenOn(key, wanted === 0 ? await freePort() : wanted, reserved)
}

function listenOn(key: string, port: number, reserved: Server[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${error.code})`
      const name = key.toLowerCase().replaceAll('_', '-')
      const sentence = `port ${port} of ${name} ${why}; choose another with --port N, or --port 0`
      reject(new Error(sentence, { cause: error }))
    })
    server.listen(port, HOST, () => {
      reserved.push(server)
      resolve(port)
    })
  })
}

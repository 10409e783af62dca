import { createServer, type Server } from 'node:net'
import { DEFAULT_PORTS } from '@caudal/http/service-settings.ts'
import { freePort } from '@caudal/local-postgres/free-port.ts'
import { SERVICES } from './services.ts'

const HOST = '127.0.0.1'
const KEYS = Object.keys(DEFAULT_PORTS) as (keyof typeof DEFAULT_PORTS)[]

export type PlannedPorts = {
  /** `CAUDAL_<KEY>_PORT` and `CAUDAL_<KEY>_URL`. */
  env: NodeJS.ProcessEnv
  /** Lets go of the ports, so that the services can take them. */
  release(): Promise<void>
}

/**
 * The port of each process as environment variables. The gateway gets `first` and the others
 * follow; 0 picks free ones, which are known beforehand so that each can be told of its peers. All
 * are held until they are released: none is picked twice, and no other program gets one meanwhile.
 *
 * @throws {Error} naming a port that is taken
 */
export async function planPorts(
  env: NodeJS.ProcessEnv,
  names: readonly string[],
  first: number,
): Promise<PlannedPorts> {
  const starting = new Set(names.map((name) => SERVICES.get(name)!.key))
  const held: Server[] = []
  const release = async (): Promise<void> => {
    await Promise.all(held.splice(0).map((server) => new Promise((done) => server.close(done))))
  }
  const planned: NodeJS.ProcessEnv = {}
  try {
    for (const [index, key] of KEYS.entries()) {
      const given = env[`CAUDAL_${key}_PORT`]
      const wanted = given ? Number(given) : first === 0 ? 0 : first + index
      const port = starting.has(key) ? await holdPort(key, wanted, held) : wanted
      planned[`CAUDAL_${key}_PORT`] = String(port)
      planned[`CAUDAL_${key}_URL`] = env[`CAUDAL_${key}_URL`] ?? `http://${HOST}:${port}`
    }
    if (starting.has('PUSH') && !env['CAUDAL_PUSH_APNS_PORT']) {
      const port = await holdPort('PUSH_APNS', first === 0 ? 0 : first + KEYS.length, held)
      planned['CAUDAL_PUSH_APNS_PORT'] = String(port)
      planned['CAUDAL_PUSH_APNS_URL'] ??= `http://${HOST}:${port}`
    }
  } catch (error) {
    await release()
    throw error
  }
  return { env: planned, release }
}

/** Takes the port, or any free one for 0, and keeps it. */
async function holdPort(key: string, wanted: number, held: Server[]): Promise<number> {
  return hold(key, wanted === 0 ? await freePort() : wanted, held)
}

function hold(key: string, port: number, held: Server[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${error.code})`
      const name = key.toLowerCase().replaceAll('_', '-')
      const sentence = `port ${port} of ${name} ${why}: choose another with --port N, or --port 0`
      reject(new Error(sentence, { cause: error }))
    })
    server.listen(port, HOST, () => {
      held.push(server)
      resolve(port)
    })
  })
}

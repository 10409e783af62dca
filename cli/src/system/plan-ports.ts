import { createServer } from 'node:net'
import { DEFAULT_PORTS } from '@caudal/http/service-settings.ts'
import { SERVICES } from './services.ts'

const HOST = '127.0.0.1'
const KEYS = Object.keys(DEFAULT_PORTS) as (keyof typeof DEFAULT_PORTS)[]

/**
 * The port of each process as environment variables. The gateway gets `first` and the others
 * follow; 0 picks free ones, which are known beforehand so that each can be told of its peers.
 *
 * @throws {Error} naming a port that is taken
 */
export async function planPorts(
  env: NodeJS.ProcessEnv,
  names: readonly string[],
  first: number,
): Promise<NodeJS.ProcessEnv> {
  const starting = new Set(names.map((name) => SERVICES.get(name)!.key))
  const planned: NodeJS.ProcessEnv = {}
  for (const [index, key] of KEYS.entries()) {
    const given = env[`CAUDAL_${key}_PORT`]
    const wanted = given ? Number(given) : first === 0 ? 0 : first + index
    const port = starting.has(key) ? await claim(key, wanted) : wanted
    planned[`CAUDAL_${key}_PORT`] = String(port)
    planned[`CAUDAL_${key}_URL`] = env[`CAUDAL_${key}_URL`] ?? `http://${HOST}:${port}`
  }
  if (starting.has('PUSH') && !env['CAUDAL_PUSH_APNS_PORT']) {
    const port = await claim('PUSH_APNS', first === 0 ? 0 : first + KEYS.length)
    planned['CAUDAL_PUSH_APNS_PORT'] = String(port)
    planned['CAUDAL_PUSH_APNS_URL'] ??= `http://${HOST}:${port}`
  }
  return planned
}

/** Opens the port for a moment to see that it is free. */
function claim(key: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${error.code})`
      const name = key.toLowerCase().replaceAll('_', '-')
      reject(
        new Error(`port ${port} of ${name} ${why}: choose another with --port N, or --port 0`, {
          cause: error,
        }),
      )
    })
    server.listen(port, HOST, () => {
      const address = server.address()
      const found = typeof address === 'object' && address ? address.port : port
      server.close(() => resolve(found))
    })
  })
}

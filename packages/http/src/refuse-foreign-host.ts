import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { isRepeated } from './authenticate.ts'

/** Hosts that were compared before; what is refused is not remembered. */
const MAX_KNOWN = 256
const PORT = /:\d*$/
const LOOPBACK = 'localhost'

/**
 * What is wrong with the host of a request, or undefined: none, two, or the name of another site. A
 * page of such a site could reach us through the browser of a user by resolving its name to our
 * address, and a cache or a proxy could be made to store our answer under it. An address is nobody
 * else's name, so it is always accepted.
 */
export function foreignHostCheck(
  hosts: readonly string[] | undefined,
): (request: FastifyRequest) => string | undefined {
  const names = new Set([LOOPBACK, ...(hosts ?? []).map((host) => host.toLowerCase())])
  const known = new Set<string>()
  return ({ headers, raw }) => {
    const { host } = headers
    if (host === undefined) {
      return raw.httpVersion === '1.1' ? 'the header host is missing' : undefined
    }
    if (isRepeated(raw.rawHeaders, 'host')) return 'send the header host once'
    if (hosts === undefined || known.has(host)) return undefined
    const name = host
      .replace(PORT, '')
      .replace(/^\[(.*)\]$/, '$1')
      .toLowerCase()
    if (isIP(name) === 0 && !names.has(name)) return 'the header host does not name this service'
    if (known.size < MAX_KNOWN) known.add(host)
    return undefined
  }
}

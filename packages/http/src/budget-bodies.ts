import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Problem } from './problem.ts'

/** The number of connections limits smaller bodies. */
const LARGE_BYTES = 16 * 1024
/** One caller holds at most this part of the budget, so that others are served beside it. */
const SHARE_OF_CALLER = 1 / 4

/**
 * Limits the bodies that are held at once to `budgetBytes` together, and those of one caller to a
 * quarter of it. Only bytes that arrived count: a body that is never sent uses nothing. Whose bytes
 * go beyond a limit is refused as OVERLOADED, before the body is parsed.
 */
export function budgetBodies(app: FastifyInstance, budgetBytes: number): void {
  let heldBytes = 0
  const ofCallers = new Map<string, number>()
  const hold = (caller: string, bytes: number): void => {
    heldBytes += bytes
    const held = (ofCallers.get(caller) ?? 0) + bytes
    if (held > 0) ofCallers.set(caller, held)
    else ofCallers.delete(caller)
  }
  const isBeyond = (caller: string): boolean =>
    heldBytes > budgetBytes || ofCallers.get(caller)! > budgetBytes * SHARE_OF_CALLER
  app.addHook('preParsing', (request, reply, payload, done) => {
    if (!mayBeLarge(request)) {
      done()
      return
    }
    const caller = callerOf(request)
    let bytes = 0
    payload.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      hold(caller, chunk.length)
      // The parser listens for errors while it reads, and answers with this one.
      if (isBeyond(caller) && payload.listenerCount('error') > 0) {
        payload.emit('error', new Problem('OVERLOADED', 'too many large bodies at once'))
      }
    })
    reply.raw.once('close', () => hold(caller, -bytes))
    done()
  })
}

function mayBeLarge({ headers, routeOptions }: FastifyRequest): boolean {
  if (routeOptions.bodyLimit <= LARGE_BYTES) return false
  if (headers['transfer-encoding'] !== undefined) return true
  return Number(headers['content-length'] ?? 0) > LARGE_BYTES
}

/** The verified caller, or the address where a route reads tokens from the body. */
function callerOf({ identity, ip }: FastifyRequest): string {
  return identity === null ? ip : `${identity.tenantId} ${identity.subject}`
}

import type { FastifyInstance } from 'fastify'
import { sendProblem } from './problem.ts'

/** The number of connections limits smaller bodies. */
const LARGE_BYTES = 16 * 1024

/**
 * Limits the large bodies that are read at once to `budgetBytes` together. Above it a large body is
 * refused as OVERLOADED before any of its bytes is read. A chunked body counts as its route's
 * limit.
 */
export function limitLargeBodies(app: FastifyInstance, budgetBytes: number): void {
  let underWayBytes = 0
  app.addHook('onRequest', (request, reply, done) => {
    const { 'content-length': declared, 'transfer-encoding': coding } = request.headers
    const { bodyLimit } = request.routeOptions
    const bytes = Math.min(coding === undefined ? Number(declared ?? 0) : bodyLimit, bodyLimit)
    if (!(bytes > LARGE_BYTES)) done()
    else if (underWayBytes + bytes > budgetBytes) {
      sendProblem(reply, 'OVERLOADED', 'too many large bodies at once')
    } else {
      underWayBytes += bytes
      reply.raw.once('close', () => (underWayBytes -= bytes))
      done()
    }
  })
}

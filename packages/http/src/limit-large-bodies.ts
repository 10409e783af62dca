import type { FastifyInstance } from 'fastify'
import { sendProblem } from './problem.ts'

/** Smaller bodies are bounded by the number of connections. */
const LARGE_BYTES = 16 * 1024

/**
 * Large bodies are read only while all of them together stay within `budgetBytes`; beyond it they
 * are refused as OVERLOADED before any of their bytes is read. Bodies in chunks count as large as
 * their route allows.
 */
export function limitLargeBodies(app: FastifyInstance, budgetBytes: number): void {
  let underWayBytes = 0
  app.addHook('onRequest', (request, reply, done) => {
    const { 'content-length': announced, 'transfer-encoding': coding } = request.headers
    const { bodyLimit } = request.routeOptions
    const bytes = Math.min(coding === undefined ? Number(announced ?? 0) : bodyLimit, bodyLimit)
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

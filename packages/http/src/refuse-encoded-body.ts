import type { FastifyRequest } from 'fastify'
import { Problem } from './problem.ts'

/**
 * Bodies are read as they come: one that says it is compressed would be unreadable at best.
 *
 * @throws {Problem} UNSUPPORTED_MEDIA_TYPE, as RFC 9110 wants it for a content coding
 */
export function refuseEncodedBody({ headers }: FastifyRequest): void {
  const coding = headers['content-encoding']
  if (coding === undefined || coding === 'identity') return
  throw new Problem('UNSUPPORTED_MEDIA_TYPE', 'send the body without a content-encoding', {
    headers: { 'accept-encoding': 'identity' },
  })
}

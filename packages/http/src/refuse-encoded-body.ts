import type { FastifyRequest } from 'fastify'
import { Problem } from './problem.ts'

const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]*)/i

/**
 * Refuses a body that is compressed or not UTF-8, since bodies are read as UTF-8 without decoding.
 *
 * @throws {Problem} UNSUPPORTED_MEDIA_TYPE, as RFC 9110 requires for a content coding
 */
export function refuseEncodedBody({ headers }: FastifyRequest): void {
  const charset = CHARSET.exec(headers['content-type'] ?? '')?.[1]
  if (charset !== undefined && charset.toLowerCase() !== 'utf-8') {
    throw new Problem('UNSUPPORTED_MEDIA_TYPE', 'send the body in UTF-8')
  }
  const coding = headers['content-encoding']
  if (coding === undefined || coding === 'identity') return
  throw new Problem('UNSUPPORTED_MEDIA_TYPE', 'send the body without a content-encoding', {
    headers: { 'accept-encoding': 'identity' },
  })
}

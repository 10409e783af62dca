import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'

/**
 * Returns the raw response for a handler that writes it itself. The headers of every answer are
 * already set on it.
 */
export function takeOverReply(reply: FastifyReply): ServerResponse {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value)
  }
  reply.hijack()
  return reply.raw
}

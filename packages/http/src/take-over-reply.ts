import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'

/**
 * Hands the raw answer to a handler that writes it itself, with the headers that every answer of
 * ours has already set on it.
 */
export function takeOverReply(reply: FastifyReply): ServerResponse {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value)
  }
  reply.hijack()
  return reply.raw
}

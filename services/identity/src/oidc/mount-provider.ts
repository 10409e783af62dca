import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { takeOverReply } from '@caudal/http/take-over-reply.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { GuessLimit } from './limit-guesses.ts'

/** Answers a request of Node's own kind: what `provider.callback()` returns. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/**
 * The endpoints of the OAuth server at their places on the service's port. It reads the body and
 * writes the answer itself: errors of the token endpoint have OAuth's form (RFC 6749, 5.2), not
 * ours.
 */
export function mountProvider(
  app: HttpServer,
  handle: NodeHandler,
  guesses: GuessLimit,
  publicUrl?: string,
): void {
  const address = publicUrl === undefined ? undefined : addressHeaders(publicUrl)
  void app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _body, parsed) => parsed(null))
    const options = { schema: { hide: true } }
    const pass = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
      if (address !== undefined) Object.assign(request.raw.headers, address)
      await handle(request.raw, takeOverReply(reply))
    }
    scope.post('/token', options, async (request, reply) => {
      const guess = guesses.take(request)
      if (guess.waitSeconds > 0) return refuseGuess(reply, guess.waitSeconds)
      await pass(request, reply)
      if (reply.raw.statusCode !== 401) guess.returnTokens()
      return reply
    })
    scope.get('/jwks', options, pass)
    scope.get('/auth', options, pass)
    scope.get('/.well-known/openid-configuration', options, pass)
    scope.get('/.well-known/oauth-authorization-server', options, pass)
    done()
  })
}

/**
 * The headers from which the metadata takes its addresses: those of the configuration, whatever a
 * caller or a proxy sent.
 */
function addressHeaders(publicUrl: string): Record<string, string> {
  const { host, protocol } = new URL(publicUrl)
  const scheme = protocol.slice(0, -1)
  return { host, 'x-forwarded-host': host, 'x-forwarded-proto': scheme }
}

/** In the form of OAuth, which has no error of its own for this. */
function refuseGuess(reply: FastifyReply, waitSeconds: number): FastifyReply {
  const seconds = Math.ceil(waitSeconds)
  return reply
    .code(429)
    .header('retry-after', String(seconds))
    .send({
      error: 'temporarily_unavailable',
      error_description: `too many wrong client secrets; try again in ${seconds} s`,
    })
}

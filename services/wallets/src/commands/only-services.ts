import { identityOf } from '@caudal/http/authenticate.ts'
import { Problem } from '@caudal/http/problem.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Behind `requireToken`: a user's token does not open the ledger, whatever its scopes. */
export function onlyServices(
  request: FastifyRequest,
  _reply: FastifyReply,
  done: (error?: Error) => void,
): void {
  const allowed = identityOf(request).kind === 'service'
  done(allowed ? undefined : new Problem('FORBIDDEN', 'the ledger is for internal clients'))
}

import { isUuid } from '@caudal/contracts/ids.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { identityOf } from '@caudal/http/authenticate.ts'
import { Problem } from '@caudal/http/problem.ts'
import type { FastifyRequest } from 'fastify'

/** The header in which an internal client names the user that it acts for. */
export const ON_BEHALF_OF = 'x-on-behalf-of'

/** The parts of a request that identify its caller. */
export type IdentifiedRequest = Pick<FastifyRequest, 'identity' | 'headers'>

/** Whose payments a request is about; `userId` is a UUID in lower case. */
export interface Owner {
  tenantId: string
  userId: string
}

export type PaymentScope = typeof SCOPE.paymentsRead | typeof SCOPE.paymentsWrite

/**
 * Who is served: the user that the gateway vouches for, or the one that an internal client with the
 * scope acts for (P3), within the tenant of its token.
 */
export function ownerOf(request: IdentifiedRequest, scope: PaymentScope): Owner {
  const { kind, subject, tenantId } = allowed(request, scope)
  if (kind === 'user') return { tenantId, userId: userIdOf(subject) }
  const onBehalfOf = request.headers[ON_BEHALF_OF]
  if (typeof onBehalfOf === 'string' && isUuid(onBehalfOf)) {
    return { tenantId, userId: onBehalfOf.toLowerCase() }
  }
  throw new Problem('MALFORMED_REQUEST', `header ${ON_BEHALF_OF} must be the id of a user`, {
    members: { param: ON_BEHALF_OF },
  })
}

/** Like `ownerOf`, but an internal client may see the payments of its whole tenant. */
export function readerOf(
  request: IdentifiedRequest,
  scope: PaymentScope = SCOPE.paymentsRead,
): { tenantId: string; userId?: string } {
  const { kind, subject, tenantId } = allowed(request, scope)
  return kind === 'user' ? { tenantId, userId: userIdOf(subject) } : { tenantId }
}

/** The tenant of an internal client; users are refused. */
export function serviceTenantOf(request: IdentifiedRequest): string {
  const { kind, tenantId } = identityOf(request)
  if (kind !== 'service') throw new Problem('FORBIDDEN', 'only services may call this')
  return tenantId
}

/** The gateway checks a user's scopes; those of a service are checked here. */
function allowed(request: IdentifiedRequest, scope: PaymentScope) {
  const identity = identityOf(request)
  if (identity.kind === 'user' || identity.scopes.has(scope)) return identity
  throw new Problem('FORBIDDEN', `the token lacks the scope ${scope}`)
}

function userIdOf(subject: string): string {
  if (isUuid(subject)) return subject.toLowerCase()
  throw new Problem('FORBIDDEN', 'the token names no user')
}

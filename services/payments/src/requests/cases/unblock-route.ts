import { SCOPE } from '@caudal/contracts/scopes.ts'
import { actorOf } from '@caudal/http/actor-of.ts'
import { identityOf } from '@caudal/http/authenticate.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { Problem } from '@caudal/http/problem.ts'
import { secured } from '@caudal/http/secured.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import { Type } from 'typebox'
import type { Unblock } from '../../store/unblock-destination.ts'
import { serviceTenantOf } from '../caller.ts'

/** As an order names them. */
const Named = Type.String({ minLength: 1, maxLength: 64, pattern: '^[^\\u0000]*$' })
const Reason = Type.String({ minLength: 1, maxLength: 500, pattern: '^[^\\u0000]*$' })

const schema = {
  summary: 'Let payments be sent to a destination again that a return had blocked',
  description:
    'The reason is kept with the caller and the time. A repeat changes nothing. A later return ' +
    'blocks the destination again.',
  body: Type.Object({
    service_bank_code: Named,
    service_account_number: Named,
    reason: Reason,
  }),
  problems: ['DESTINATION_NOT_FOUND'] as const,
  response: {
    200: Type.Object({
      service_bank_code: Type.String(),
      service_account_number: Type.String(),
      unblocked_at: Type.String(),
    }),
  },
  tags: ['staff'],
}

export interface UnblockRouteDeps {
  verifier: TokenVerifier
  /** Null if the destination was never blocked. */
  unblock: (unblock: Unblock) => Promise<Date | null>
}

/** Adds `POST /v1/blocked-destinations/unblock`, for staff of the tenant. */
export function addUnblockRoute(app: HttpServer, { verifier, unblock }: UnblockRouteDeps): void {
  const options = secured({ verifier, scope: SCOPE.casesWrite, holders: ['client'] }, schema)
  app.post('/v1/blocked-destinations/unblock', options, async (request) => {
    const { reason, ...named } = request.body
    const destination = {
      tenantId: serviceTenantOf(request),
      serviceBankCode: named.service_bank_code,
      serviceAccountNumber: named.service_account_number,
    }
    const actor = actorOf(identityOf(request))
    const unblockedAt = await unblock({ destination, reason, actor })
    if (unblockedAt === null) throw new Problem('DESTINATION_NOT_FOUND')
    return { ...named, unblocked_at: unblockedAt.toISOString() }
  })
}

import type { Actor } from '@caudal/contracts/actor.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { TenantId } from '@caudal/contracts/tenant-schema.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { actorOf } from '@caudal/http/actor-of.ts'
import { identityOf } from '@caudal/http/authenticate.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import { Problem } from '@caudal/http/problem.ts'
import { secured } from '@caudal/http/secured.ts'
import { tenantFor } from '@caudal/http/tenant-for.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import { Type } from 'typebox'
import type { CancelResult, NamedRequest } from '../domain/decide-cancel.ts'

const schema = {
  summary: 'Cancel a payment or a refund before it is sent to the PSP',
  description:
    'Exactly one of cancel and send wins. A request that has not arrived at the processor yet is ' +
    'canceled too. A repeat has the same answer.',
  params: Type.Object({ operation_id: Uuid }),
  body: Type.Object({
    kind: Type.Enum(['pay', 'refund'], {
      description: 'what the id names: `pay` a payment, `refund` a refund',
    }),
    tenant_id: Type.Optional(TenantId),
  }),
  problems: ['PAYMENT_ALREADY_SENT', 'REFUND_ALREADY_SENT'] as const,
  response: { 200: Type.Object({ operation_id: Uuid, status: Type.Literal('CANCELED') }) },
  tags: ['internal'],
}

export type CancelRouteDeps = {
  verifier: TokenVerifier
  cancel: (request: NamedRequest, actor: Actor) => Promise<CancelResult>
}

/** Adds `POST /internal/operations/{operation_id}/cancel`, for the owner of the request. */
export function addCancelRoute(app: HttpServer, { verifier, cancel }: CancelRouteDeps): void {
  const options = secured({ verifier, scope: SCOPE.operationsCancel }, schema)
  app.post('/internal/operations/:operation_id/cancel', options, async (request) => {
    const identity = identityOf(request)
    const requestId = request.params.operation_id.toLowerCase()
    const { kind, tenant_id: wanted } = request.body
    const tenantId = tenantFor(identity, wanted)
    const result = await cancel({ kind, requestId, tenantId }, actorOf(identity))
    if (result === 'canceled') return { operation_id: requestId, status: 'CANCELED' as const }
    throw new Problem(kind === 'pay' ? 'PAYMENT_ALREADY_SENT' : 'REFUND_ALREADY_SENT')
  })
}

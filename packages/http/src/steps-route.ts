import { SCOPE } from '@caudal/contracts/scopes.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { Type } from 'typebox'
import { identityOf } from './authenticate.ts'
import type { HttpServer } from './create-server.ts'
import { secured } from './secured.ts'
import type { TokenVerifier } from './token-verifier.ts'

/** A step of a payment as one service saw it (P11). */
export type PaymentStep = { at: string; step: string; detail: string | null }

const Answer = Type.Object({
  steps: Type.Array(
    Type.Object({
      at: Type.String(),
      step: Type.String(),
      detail: Type.Union([Type.String(), Type.Null()]),
    }),
  ),
})

/** A payment as its tenant knows it; to any other there is none. */
export type NamedPayment = { tenantId: string; paymentId: string }

/** Adds `GET /internal/payments/{payment_id}/steps`: what this service knows of a payment (P11). */
export function addStepsRoute(
  app: HttpServer,
  deps: { verifier: TokenVerifier; listSteps: (payment: NamedPayment) => Promise<PaymentStep[]> },
): void {
  const schema = {
    params: Type.Object({ payment_id: Uuid }),
    response: { 200: Answer },
    tags: ['internal'],
  }
  const options = secured({ verifier: deps.verifier, scope: SCOPE.traceRead }, schema)
  app.get('/internal/payments/:payment_id/steps', options, async (request) => {
    const { tenantId } = identityOf(request)
    const paymentId = request.params.payment_id.toLowerCase()
    return { steps: await deps.listSteps({ tenantId, paymentId }) }
  })
}

import type { NamedPayment, PaymentStep } from '@caudal/contracts/payment-steps.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { Type } from 'typebox'
import { identityOf } from './authenticate.ts'
import type { HttpServer } from './create-server.ts'
import { secured } from './secured.ts'
import type { TokenVerifier } from './token-verifier.ts'

const Answer = Type.Object({
  steps: Type.Array(
    Type.Object({
      at: Type.String(),
      step: Type.String(),
      detail: Type.Union([Type.String(), Type.Null()]),
    }),
  ),
})

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

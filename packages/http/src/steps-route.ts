import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import { Type } from 'typebox'
import { requireToken } from './authenticate.ts'
import type { HttpServer } from './create-server.ts'
import type { TokenVerifier } from './token-verifier.ts'

/** A step of a payment as one service saw it (P11). */
export type Step = { at: string; step: string; detail: string | null }

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
  deps: { verifier: TokenVerifier; listSteps: (paymentId: string) => Promise<Step[]> },
): void {
  const schema = {
    params: Type.Object({ payment_id: Uuid }),
    response: { 200: Answer },
    tags: ['internal'],
    security: [{ bearer: ['trace:read'] }],
  }
  const onRequest = requireToken({ verifier: deps.verifier, scope: 'trace:read' })
  app.get('/internal/payments/:payment_id/steps', { schema, onRequest }, async ({ params }) => ({
    steps: await deps.listSteps(params.payment_id.toLowerCase()),
  }))
}

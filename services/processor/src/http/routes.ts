import { requireToken } from '@caudal/http/authenticate.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import { Type } from 'typebox'

/** What the routes need done. */
export type StepRoutesDeps = {
  verifier: TokenVerifier
  listSteps: (paymentId: string) => Promise<{ at: Date; step: string; detail: string }[]>
}

const UUID =
  '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$'

const stepsSchema = {
  summary: 'What the processor knows of a payment',
  security: [{ bearer: ['trace:read'] }],
  params: Type.Object({ payment_id: Type.String({ pattern: UUID }) }),
  response: {
    200: Type.Object({
      steps: Type.Array(
        Type.Object({ at: Type.String(), step: Type.String(), detail: Type.String() }),
      ),
    }),
  },
}

/** `GET /internal/payments/{payment_id}/steps` for whoever may read traces (P11). */
export function addStepRoutes(app: HttpServer, { verifier, listSteps }: StepRoutesDeps): void {
  const mayTrace = requireToken({ verifier, scope: 'trace:read' })
  app.get(
    '/internal/payments/:payment_id/steps',
    { schema: stepsSchema, onRequest: mayTrace },
    async (request, reply) => {
      const steps = await listSteps(request.params.payment_id.toLowerCase())
      return reply.send({ steps: steps.map((step) => ({ ...step, at: step.at.toISOString() })) })
    },
  )
}

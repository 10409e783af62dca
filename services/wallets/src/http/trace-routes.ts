import { requireToken } from '@caudal/http/authenticate.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { TokenVerifier } from '@caudal/http/token-verifier.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import { Type } from 'typebox'
import type { HoldHistory } from '../domain/reading.ts'

export interface TraceRouteDeps {
  verifier: TokenVerifier
  findHold: (paymentId: string) => Promise<HoldHistory | undefined>
}

interface Step {
  at: string
  step: string
  detail: string
}

const paymentParams = Type.Object({ payment_id: Type.String({ format: 'uuid' }) })
const stepsAnswer = Type.Object({
  steps: Type.Array(Type.Object({ at: Type.String(), step: Type.String(), detail: Type.String() })),
})

/** What the ledger knows of a payment, for those who look for trouble (P11). */
export function addTraceRoutes(app: HttpServer, { verifier, findHold }: TraceRouteDeps): void {
  const schema = {
    params: paymentParams,
    response: { 200: stepsAnswer },
    tags: ['internal'],
    security: [{ bearer: ['trace:read'] }],
  }
  const onRequest = requireToken({ verifier, scope: 'trace:read' })
  app.get('/internal/payments/:payment_id/steps', { schema, onRequest }, ({ params }) =>
    findSteps(findHold, params.payment_id.toLowerCase()),
  )
}

async function findSteps(findHold: TraceRouteDeps['findHold'], paymentId: string) {
  const hold = await findHold(paymentId)
  return { steps: hold === undefined ? [] : stepsOf(hold) }
}

function stepsOf(hold: HoldHistory): Step[] {
  const amount = `${formatAmount(hold.amountMinor, hold.currency)} ${hold.currency}`
  const first = (step: string, detail: string): Step => {
    return { at: hold.createdAt.toISOString(), step, detail }
  }
  const held = first('funds.held', `${amount} of account ${hold.accountId}, hold ${hold.holdId}`)
  const then = (step: string, detail: string): Step => {
    return { at: hold.changedAt.toISOString(), step, detail }
  }
  switch (hold.status) {
    case 'open':
      return [held]
    case 'committed':
      return [held, then('funds.committed', `${amount} to PSP settlement`)]
    case 'released':
      return [held, then('funds.released', `${amount} available again`)]
    case 'refused':
      return [first('funds.refused', `${hold.refusedFor} for ${amount}`)]
    default:
      return hold.status satisfies never
  }
}

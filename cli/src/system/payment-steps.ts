import type { System } from './find-system.ts'
import { call } from './http-client.ts'
import { bearer } from './tokens.ts'

export type Step = { at: string; step: string; detail: string | null }

const WITNESSES = ['payments', 'wallets', 'processor', 'notifications'] as const

/** What every service knows of the payment, in the order of time (P11). */
export async function paymentSteps(
  system: System,
  token: string,
  paymentId: string,
): Promise<Step[]> {
  const parts = await Promise.all(
    WITNESSES.map(async (service) => {
      const url = `${system.serviceUrl(service)}/internal/payments/${paymentId}/steps`
      const { status, body } = await call(url, { headers: bearer(token) })
      return status === 200 ? (body as { steps: Step[] }).steps : []
    }),
  )
  // A stable sort: steps of one service at the same instant stay in its own order.
  return parts.flat().toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))
}

import { UnreachableError } from '../errors.ts'
import type { System } from './find-system.ts'
import { call } from './http-client.ts'
import { bearer } from './tokens.ts'

/** One step of a payment, as a service recorded it. */
export type Step = { at: string; step: string; detail: string | null }

const SERVICES_WITH_STEPS = ['payments', 'wallets', 'processor', 'notifications'] as const

/**
 * Collects the steps of a payment from all services, in order of time (P11).
 *
 * @throws {UnreachableError} if a service cannot answer, since steps would be missing silently
 */
export async function fetchPaymentSteps(
  system: System,
  token: string,
  paymentId: string,
): Promise<Step[]> {
  const parts = await Promise.all(
    SERVICES_WITH_STEPS.map(async (service) => {
      const url = `${system.serviceUrl(service)}/internal/payments/${paymentId}/steps`
      const { status, body } = await call(url, { headers: bearer(token) })
      if (status >= 500) throw new UnreachableError(`${service} answered ${status}`)
      return status === 200 ? (body as { steps: Step[] }).steps : []
    }),
  )
  // The sort is stable, so steps of one service with the same time keep its order.
  return parts.flat().toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))
}

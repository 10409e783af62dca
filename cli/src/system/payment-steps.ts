import type { PaymentStep } from '@caudal/contracts/payment-steps.ts'
import type { System } from './find-system.ts'
import { askEach } from './services-of-payments.ts'

/** The steps of a payment, in order of time, and why those of some services are missing. */
export type PaymentSteps = { steps: PaymentStep[]; missing: Record<string, string> }

/** Collects the steps of a payment from all services (P11). */
export async function fetchPaymentSteps(
  system: System,
  token: string,
  paymentId: string,
): Promise<PaymentSteps> {
  const path = `/internal/payments/${paymentId}/steps`
  const { answers, missing } = await askEach<{ steps: PaymentStep[] }>(system, token, path)
  // The sort is stable, so steps of one service with the same time keep its order.
  const steps = Object.values(answers)
    .flatMap((answer) => answer.steps)
    .toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))
  return { steps, missing }
}

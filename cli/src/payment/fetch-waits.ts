import type { System } from '../system/find-system.ts'
import { fetchAccountId } from '../system/payments-api.ts'
import { askEach } from '../system/services-of-payments.ts'
import { type ServiceWaits, type Wait, waitsOf } from './waits-of.ts'

/** Asks the services why a payment waits, or what of it still waits after its end. */
export async function fetchWaits(
  system: System,
  token: string,
  payment: { payment_id: string; status: string; created_at: string },
): Promise<Wait[]> {
  const { payment_id: paymentId } = payment
  const accountId = await fetchAccountId(system, token, paymentId)
  const query = accountId === undefined ? '' : `?account_id=${accountId}`
  const path = `/internal/payments/${paymentId}/waits${query}`
  const { answers, missing } = await askEach<ServiceWaits>(system, token, path)
  return waitsOf({ payment, answers, missing, now: Date.now() })
}

import type { System } from './find-system.ts'
import { call, type HttpAnswer } from './http-client.ts'
import { bearer } from './tokens.ts'

export type Payment = {
  payment_id: string
  status: string
  external_order_id: string
  amount: string
  currency: string
  service_name: string
  reason: string | null
  created_at: string
  updated_at: string
}

const FINAL = new Set(['COMPLETED', 'FAILED', 'PARTIALLY_REFUNDED', 'REFUNDED', 'RETURNED'])

export function isFinal(status: string): boolean {
  return FINAL.has(status)
}

/** Asks for a payment of the order, as a user's app does: through the gateway. */
export async function requestPayment(
  system: System,
  token: string,
  orderId: string,
  key: string,
): Promise<HttpAnswer> {
  return call(`${system.gatewayUrl}/api/v1/payments`, {
    headers: { ...bearer(token), 'idempotency-key': key },
    body: { external_order_id: orderId },
  })
}

/** The payment as the payments service tells it to a service client; undefined if unknown. */
export async function findPayment(
  system: System,
  token: string,
  paymentId: string,
): Promise<Payment | undefined> {
  const url = `${system.serviceUrl('payments')}/v1/payments/${paymentId}`
  const { status, body } = await call(url, { headers: bearer(token) })
  if (status === 404) return undefined
  if (status !== 200) throw new Error(`the payments service answered ${status}`)
  return body as Payment
}

import { errorOfStatus } from '../exit-code.ts'
import type { System } from './find-system.ts'
import { call, callOk, type HttpResult } from './http-client.ts'
import { bearer } from './tokens.ts'

/** A payment in the format of the HTTP API. */
export type PaymentResponse = {
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

/** Whether a payment with this status has ended. */
export function paymentHasEnded(status: string): boolean {
  return FINAL.has(status)
}

/** Requests a payment of the order through the gateway, like a user's app. */
export async function requestPayment(
  system: System,
  token: string,
  orderId: string,
  key: string,
): Promise<HttpResult> {
  return call(`${system.gatewayUrl}/api/v1/payments`, {
    headers: { ...bearer(token), 'idempotency-key': key },
    body: { external_order_id: orderId },
  })
}

/** Finds a payment with a client's token; undefined if it does not exist. */
export async function fetchPayment(
  system: System,
  token: string,
  paymentId: string,
): Promise<PaymentResponse | undefined> {
  const url = `${system.serviceUrl('payments')}/v1/payments/${paymentId}`
  const { status, body } = await call(url, { headers: bearer(token) })
  if (status === 404) return undefined
  if (status !== 200) {
    throw errorOfStatus(status, { message: `the payments service responded with ${status}` })
  }
  return body as PaymentResponse
}

/** A payment as staff sees it. */
export type StaffPayment = PaymentResponse & { user_id: string; account_id: string }

/** A page of a list. */
export type Page<T> = { data: T[]; has_more: boolean; next_cursor: string | null }

/** Lists payments of the tenant, newest first, with the filters of `GET /v1/ops/payments`. */
export async function fetchPayments(
  system: System,
  token: string,
  query: URLSearchParams,
): Promise<Page<StaffPayment>> {
  const url = `${system.serviceUrl('payments')}/v1/ops/payments?${query.toString()}`
  return callOk<Page<StaffPayment>>(url, { method: 'GET', headers: bearer(token) })
}

/** The account that a payment is from; undefined if the service does not say it. */
export async function fetchAccountId(
  system: System,
  token: string,
  paymentId: string,
): Promise<string | undefined> {
  const url = `${system.serviceUrl('payments')}/v1/ops/payments/${paymentId}`
  const { status, body } = await call(url, { headers: bearer(token) })
  return status === 200 ? (body as StaffPayment).account_id : undefined
}

import { RefusedError } from '../errors.ts'
import type { System } from './find-system.ts'
import { call, callOk, type HttpResult } from './http-client.ts'
import type { Page } from './payments-api.ts'
import { bearer } from './tokens.ts'

/** A refund in the format of the HTTP API. */
export type RefundResponse = {
  refund_id: string
  payment_id: string
  status: string
  amount: string
  currency: string
  reason: string
  failure_reason: string | null
  metadata: Record<string, string>
  version: number
  created_at: string
  updated_at: string
}

/** Money of a payment that its bank returned, in the format of the HTTP API. */
export type ReturnResponse = {
  return_id: string
  payment_id: string
  status: string
  amount: string
  currency: string
  reason: string
  reason_code: string
  created_at: string
  updated_at: string
}

/** Everything that came back of a payment, newest first. */
export type CameBack = { refunds: RefundResponse[]; returns: ReturnResponse[] }

const PAGE = 100
const NOT_FOUND = 404
const FINAL = new Set(['SUCCEEDED', 'FAILED', 'CANCELED', 'REVERSED'])

/** Whether a refund with this status has ended. */
export function refundHasEnded(status: string): boolean {
  return FINAL.has(status)
}

/** Requests a refund through the gateway, as a client. */
export async function requestRefund(
  system: System,
  token: string,
  { paymentId, key, ...body }: { paymentId: string; key: string; amount?: string; reason: string },
): Promise<HttpResult> {
  return call(`${system.gatewayUrl}/api/v1/payments/${paymentId}/refunds`, {
    headers: { ...bearer(token), 'idempotency-key': key },
    body,
  })
}

/** Reads a refund through the gateway. */
export async function fetchRefund(
  system: System,
  token: string,
  refundId: string,
): Promise<RefundResponse> {
  const url = `${system.gatewayUrl}/api/v1/refunds/${refundId}`
  return callOk<RefundResponse>(url, { method: 'GET', headers: bearer(token) })
}

/** Cancels a payment through the gateway, as a client. */
export async function cancelPayment(
  system: System,
  token: string,
  paymentId: string,
): Promise<HttpResult> {
  const url = `${system.gatewayUrl}/api/v1/payments/${paymentId}/cancel`
  return call(url, { method: 'POST', headers: bearer(token) })
}

/** Lists what came back of a payment, from the payments service. */
export async function fetchCameBack(
  system: System,
  token: string,
  paymentId: string,
): Promise<CameBack> {
  const url = `${system.serviceUrl('payments')}/v1/payments/${paymentId}`
  const [refunds, returns] = await Promise.all([
    collect<RefundResponse>(`${url}/refunds`, token),
    collect<ReturnResponse>(`${url}/returns`, token),
  ])
  return { refunds, returns }
}

async function collect<T>(url: string, token: string): Promise<T[]> {
  const data: T[] = []
  const query = new URLSearchParams({ limit: String(PAGE) })
  try {
    for (;;) {
      const page = await callOk<Page<T>>(`${url}?${query.toString()}`, {
        method: 'GET',
        headers: bearer(token),
      })
      data.push(...page.data)
      if (page.next_cursor === null) return data
      query.set('cursor', page.next_cursor)
    }
  } catch (error) {
    // A service of release 0.1.0 does not have the list.
    if (error instanceof RefusedError && error.status === NOT_FOUND) return data
    throw error
  }
}

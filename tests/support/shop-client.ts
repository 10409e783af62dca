import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { disputeIdOf } from '@caudal/contracts/ids.ts'
import { SCOPE } from '@caudal/contracts/scopes.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { findSystem } from 'caudal/system/find-system.ts'
import { anyClientToken } from 'caudal/system/tokens.ts'

type Body = Record<string, unknown>

/** An answer of the gateway to a client. */
export type ShopAnswer = {
  status: number
  text: string
  headers: Headers
  body: Body
}

/** A client that refunds and cancels payments of its tenant through the gateway. */
export type ShopClient = {
  ask(method: 'GET' | 'POST', path: string, body?: Body, key?: string): Promise<ShopAnswer>
  refund(paymentId: string, body?: Body, key?: string): Promise<ShopAnswer>
  /** Waits until the refund has the status, and returns it. */
  refundWithStatus(refundId: string, status: string): Promise<Body>
  /** Waits until the payment has the status, and returns it. */
  paymentWithStatus(paymentId: string, status: string): Promise<Body>
}

const SCOPES = [SCOPE.refundsWrite, SCOPE.paymentsRead, SCOPE.paymentsWrite].join(' ')
const TIMEOUT_MS = 90_000

/** Opens a client with the scopes of a shop. */
export async function openShop(dataDir: string): Promise<ShopClient> {
  const system = await findSystem({ dataDir, url: undefined })
  const { token } = await anyClientToken(system, 'shop', { scope: SCOPES })
  const ask: ShopClient['ask'] = async (method, path, body, key) => {
    const response = await fetch(`${system.gatewayUrl}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(key !== undefined && { 'idempotency-key': key }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    const { status, headers } = response
    const text = await response.text()
    return { status, text, headers, body: (text === '' ? {} : JSON.parse(text)) as Body }
  }
  const until = (path: string, status: string): Promise<Body> =>
    eventually(
      async () => {
        const { body } = await ask('GET', path)
        if (body['status'] === status) return body
        throw new Error(`it is ${JSON.stringify(body)}`)
      },
      { timeoutMs: TIMEOUT_MS, label: `${path} is ${status}` },
    )
  return {
    ask,
    refund: (paymentId, body = { reason: 'duplicate' }, key = randomUUID()) =>
      ask('POST', `/payments/${paymentId}/refunds`, body, key),
    refundWithStatus: (refundId, status) => until(`/refunds/${refundId}`, status),
    paymentWithStatus: (paymentId, status) => until(`/payments/${paymentId}`, status),
  }
}

/** The bank sends money of a payment back; returns what it booked. */
export async function sendBack(
  bankUrl: string,
  kind: 'refunds' | 'returns',
  order: Body,
): Promise<Body> {
  const response = await fetch(`${bankUrl}/admin/${kind}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  })
  const body = (await response.json()) as Body
  assert.equal(response.status, 201, JSON.stringify(body))
  return body
}

/**
 * The payer disputes a payment, and the dispute may end at once. Returns our id of it, which is
 * made from the bank's.
 */
export async function disputedMoney(
  bankUrl: string,
  order: Body,
  outcome?: 'won' | 'lost',
): Promise<string> {
  const post = async (path: string, body: Body): Promise<Body> => {
    const headers = { 'content-type': 'application/json' }
    const init = { method: 'POST', headers, body: JSON.stringify(body) }
    const response = await fetch(`${bankUrl}/admin/disputes${path}`, init)
    assert.ok(response.ok, `${response.status}`)
    return (await response.json()) as Body
  }
  const dispute = await post('', order)
  const id = String(dispute['dispute_id'])
  if (outcome) await post(`/${id}/close`, { outcome })
  return disputeIdOf('main', String(dispute['gateway_id']))
}

/** Lists what came back of a payment at a bank. */
export async function backAt(
  bankUrl: string,
  kind: 'refunds' | 'voids' | 'returns',
  paymentId: string,
): Promise<Body[]> {
  const response = await fetch(`${bankUrl}/admin/${kind}?payment_id=${paymentId}`)
  return ((await response.json()) as { data: Body[] }).data
}

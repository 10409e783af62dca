import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { PspOrder } from '../domain/psp-order.ts'
import { createAsyncbankAdapter } from './asyncbank-adapter.ts'

const ID = '0192f0c1-2345-7000-8000-000000000001'
const REF = '0192f0c1234570008000000000000001'
const OTHER = '0192f0c1234570008000000000000002'
const adapter = createAsyncbankAdapter({ apiKey: 'k-1' })
const common = { operationId: ID, paymentId: ID, currency: 'USD' } as const
const EXPECTED = { ...common, kind: 'pay', amountMinor: 10_050n } as const
const ORDER: PspOrder = {
  ...common,
  kind: 'pay',
  requestedAt: '2026-01-01T00:00:00.000Z',
  amount: '100.50',
  sourceAccountNumber: '2143658709',
  destination: { name: 'Servicio Á & Co', accountNumber: '1234567890', bankCode: 'BNK112' },
}
const RECEIVED = { id: 'AB1', ref: REF, state: 'received' }
const DETAILS = { kind: 'pay', amount: '10050', ccy: 'USD' }

function answer(httpStatus: number, fields: Record<string, string> | string) {
  const text = typeof fields === 'string' ? fields : new URLSearchParams(fields).toString()
  return { httpStatus, retryAfterMs: null, body: Buffer.from(text) }
}

const executed = (httpStatus: number, fields: Record<string, string> | string) =>
  adapter.decode.execute(EXPECTED, answer(httpStatus, fields))
const found = (httpStatus: number, fields: Record<string, string> | string) =>
  adapter.decode.query(EXPECTED, answer(httpStatus, fields))

test('a payment is a form with minor units, the reference and the key in 32 hex digits', () => {
  const body = adapter.freeze(ORDER)
  assert.equal(
    body.toString(),
    `ref=${REF}&kind=pay&amount=10050&ccy=USD&from=2143658709&to=1234567890` +
      '&to_name=Servicio+%C3%81+%26+Co&to_bank=BNK112',
  )
  assert.deepEqual(
    adapter
      .freeze({ ...ORDER, currency: 'JPY', amount: '7' })
      .toString()
      .split('&')[2],
    'amount=7',
  )
  const request = adapter.encode.execute(EXPECTED, body)
  assert.deepEqual([request.method, request.path, request.body], ['POST', '/api/transfers', body])
  assert.equal(request.headers['x-request-key'], REF)
  assert.equal(request.headers['x-api-key'], 'k-1')
  const refund = adapter.freeze({ ...ORDER, kind: 'refund', gatewayTransactionId: 'AB1' })
  assert.equal(refund.toString(), `ref=${REF}&kind=refund&amount=10050&ccy=USD&orig=AB1`)
  const payout = adapter.freeze({ ...ORDER, kind: 'payout' }).toString()
  assert.equal(payout, body.toString().replace('kind=pay', 'kind=payout'))
})

test('the status is asked by the id of the bank, and without one it cannot be asked', () => {
  const { method, path } = adapter.encode.query(EXPECTED, 'AB/1')
  assert.deepEqual([method, path], ['GET', '/api/transfers/AB%2F1'])
  assert.throws(() => adapter.encode.query(EXPECTED, null))
})

test('202 is no verdict but names the id of the bank; a repeat answers with the present state', () => {
  const response = { status: 'received', gateway_transaction_id: 'AB1' }
  assert.deepEqual(executed(202, RECEIVED).outcome, { kind: 'pending', response })
  const settled = executed(200, { ...RECEIVED, state: 'settled' }).outcome
  assert.deepEqual(settled, { kind: 'approved', response: { ...response, status: 'settled' } })
  const rejected = executed(200, { ...RECEIVED, state: 'rejected', code: 'AC01' }).outcome
  const why = { ...response, status: 'rejected', error_code: 'AC01' }
  assert.deepEqual(rejected, { kind: 'declined', response: why })
})

test('an unknown status, or an answer that contradicts the order or is unreadable, is ambiguous', () => {
  const wrong = [
    { ...RECEIVED, ref: OTHER },
    { ...RECEIVED, amount: '1' },
    { ...RECEIVED, amount: '10050.0' },
    { ...RECEIVED, ccy: 'EUR' },
    { ...RECEIVED, kind: 'refund' },
    { ...RECEIVED, id: '' },
    { ...RECEIVED, id: 'A B' },
    { ...RECEIVED, state: 'done' },
    { ...RECEIVED, state: 'reversed' },
    { ref: REF, state: 'settled' },
    'state=rejected&id=AB1&ref=x&state=settled',
    `id=AB1&ref=${REF}&state=settled&state=rejected`,
    'id=AB%E0%A4%A&sta\u0000<html>Bad',
    '',
  ]
  for (const fields of wrong) {
    const [sent, asked] = [executed(202, fields), found(200, fields)]
    assert.equal(sent.outcome.kind, 'ambiguous', JSON.stringify(fields))
    assert.equal(asked.outcome.kind, 'unknown', JSON.stringify(fields))
    assert.notEqual(sent.errorClass, null)
  }
})

test('only the answers that accepted nothing are temporary or for an operator', () => {
  const kindOf = (status: number, code: string) => executed(status, { code }).outcome.kind
  assert.equal(kindOf(500, 'temporarily_unavailable'), 'unavailable')
  assert.equal(kindOf(429, 'too_many_requests'), 'rate_limited')
  assert.equal(kindOf(401, 'unauthorized'), 'misconfigured')
  assert.equal(kindOf(400, 'missing_ref'), 'misconfigured')
  assert.equal(kindOf(409, 'key_reused'), 'ambiguous')
  assert.equal(kindOf(500, 'other'), 'ambiguous')
  assert.equal(kindOf(503, ''), 'ambiguous')
  assert.equal(kindOf(302, ''), 'ambiguous')
  // Without a code it is not the bank that answers.
  for (const status of [400, 401, 403, 404, 429]) assert.equal(kindOf(status, ''), 'ambiguous')
})

test('a status query reads every state, and an unknown id is not_found only by its code', () => {
  const fields = { ...RECEIVED, ...DETAILS }
  assert.equal(found(200, fields).outcome.kind, 'pending')
  assert.equal(found(200, { ...fields, state: 'settled' }).outcome.kind, 'approved')
  assert.equal(found(200, { ...fields, state: 'rejected' }).outcome.kind, 'failed')
  assert.equal(found(404, { code: 'not_found' }).outcome.kind, 'not_found')
  assert.equal(found(404, '<html>').outcome.kind, 'unknown')
  assert.equal(found(202, fields).outcome.kind, 'unknown')
  assert.equal(adapter.capabilities.notFoundProves, false)
})

test('of all possible answers only one that names this order decides it', () => {
  const bodies = fc.oneof(fc.string(), fc.webQueryParameters())
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 599 }), bodies, (status, body) => {
      const { kind } = executed(status, body).outcome
      assert.ok(!['approved', 'declined', 'pending'].includes(kind))
    }),
  )
})

test('E7: the codes of the bank have a word of ours, by what was asked', () => {
  assert.equal(adapter.declineCode('pay', 'AC01'), 'account_invalid')
  assert.equal(adapter.declineCode('void', 'TM01'), 'already_settled')
  assert.equal(adapter.declineCode('refund', 'TM01'), 'refund_window_closed')
  assert.equal(adapter.declineCode('refund', 'AM02'), 'nothing_left_to_refund')
  assert.equal(adapter.declineCode('refund', 'NOOR'), 'payment_unknown')
  for (const code of [undefined, '', 'toString', '__proto__', 'XX99']) {
    assert.equal(adapter.declineCode('pay', code), 'other')
  }
})

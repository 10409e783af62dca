import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createSyncbankAdapter } from './syncbank-adapter.ts'

const ID = '0192f0c1-2345-7000-8000-000000000001'
const PAYMENT = '0192f0c1-2345-7000-8000-000000000002'
const adapter = createSyncbankAdapter({})

for (const [kind, path, reference, proof] of [
  ['refund', '/v1/refunds', 'refund_id', 'gateway_refund_id'],
  ['void', '/v1/voids', 'void_id', 'gateway_void_id'],
] as const) {
  describe(`a ${kind}`, () => {
    const common = { kind, operationId: ID, paymentId: PAYMENT, currency: 'USD' }
    const expected = { ...common, amountMinor: 1_000n }
    const approved = { [reference]: ID, payment_id: PAYMENT, status: 'approved', [proof]: 'g-9' }
    const answer = (httpStatus: number, body: object) => ({
      httpStatus,
      retryAfterMs: null,
      body: Buffer.from(JSON.stringify(body)),
    })
    const kindOf = (httpStatus: number, body: object): string =>
      adapter.decode.execute(expected, answer(httpStatus, body)).outcome.kind

    test('has its own address, key and bytes, which are the same each time', () => {
      const order = {
        ...common,
        requestedAt: '2026-01-01T00:00:00.000Z',
        amount: '10.00',
        gatewayTransactionId: 'g-1',
      }
      const body = adapter.freeze(order)
      assert.deepEqual(body, adapter.freeze({ ...order }))
      const request = adapter.encode.execute(expected, body)
      assert.deepEqual([request.method, request.path], ['POST', path])
      assert.equal(request.headers['idempotency-key'], ID)
      assert.equal(request.body, body)
      assert.equal(adapter.encode.query(expected, null).path, `${path}/${ID}`)
    })

    test('is approved only with its own id, payment, amount and transaction id', () => {
      assert.deepEqual(adapter.decode.execute(expected, answer(200, approved)), {
        outcome: {
          kind: 'approved',
          response: { status: 'approved', gateway_transaction_id: 'g-9' },
        },
        errorClass: null,
      })
      assert.equal(kindOf(200, { ...approved, amount: '10.00', currency: 'USD' }), 'approved')
      const doubtful = [
        { ...approved, [reference]: PAYMENT },
        { ...approved, [reference]: undefined },
        { ...approved, payment_id: ID },
        { ...approved, payment_id: 7 },
        { ...approved, amount: '9.99' },
        { ...approved, currency: 'EUR' },
        { ...approved, [proof]: undefined, gateway_transaction_id: 'g-1' },
        { ...approved, status: 'done' },
      ]
      for (const body of doubtful) assert.equal(kindOf(200, body), 'ambiguous')
    })

    test('is declined by 422 with its id, and a status query reads the same', () => {
      const failed = { ...approved, status: 'failed', error_code: 'already_settled' }
      assert.equal(kindOf(422, failed), 'declined')
      assert.equal(kindOf(422, { ...failed, [reference]: PAYMENT }), 'ambiguous')
      const found = (body: object) => adapter.decode.query(expected, answer(200, body)).outcome.kind
      assert.equal(found(failed), 'failed')
      assert.equal(found({ [reference]: ID, status: 'not_found' }), 'not_found')
      assert.equal(found(approved), 'approved')
      assert.equal(found({ payment_id: ID, status: 'approved' }), 'unknown')
    })
  })
}

test('a payout has its own address, key and members, and no payment', () => {
  const common = { kind: 'payout', operationId: ID, currency: 'USD' } as const
  const expected = { ...common, paymentId: null, amountMinor: 1_000n }
  const body = adapter.freeze({
    ...common,
    requestedAt: '2026-01-01T00:00:00.000Z',
    amount: '10.00',
    sourceAccountNumber: '777',
    destination: { name: 'Ana', accountNumber: '42', bankCode: 'BNK112' },
  })
  assert.deepEqual(JSON.parse(body.toString()), {
    payout_id: ID,
    timestamp: '2026-01-01T00:00:00.000Z',
    amount: '10.00',
    currency: 'USD',
    source_account_number: '777',
    name: 'Ana',
    account_number: '42',
    bank_code: 'BNK112',
  })
  const { path, headers } = adapter.encode.execute(expected, body)
  assert.deepEqual([path, headers['idempotency-key']], ['/v1/payouts', ID])
  assert.equal(adapter.encode.query(expected, null).path, `/v1/payouts/${ID}`)
  const kindOf = (members: object): string => {
    const answer = { payout_id: ID, status: 'approved', gateway_payout_id: 'g-9', ...members }
    const raw = { httpStatus: 200, retryAfterMs: null, body: Buffer.from(JSON.stringify(answer)) }
    return adapter.decode.execute(expected, raw).outcome.kind
  }
  assert.equal(kindOf({}), 'approved')
  const doubtful = [
    { payment_id: PAYMENT },
    { payout_id: PAYMENT },
    { gateway_payout_id: undefined },
  ]
  for (const members of doubtful) assert.equal(kindOf(members), 'ambiguous')
})

test('E7: the codes of the PSP have a word of ours, and an unknown one is `other`', () => {
  assert.equal(adapter.declineCode('void', 'already_settled'), 'already_settled')
  assert.equal(adapter.declineCode('void', 'already_voided'), 'already_reversed')
  assert.equal(adapter.declineCode('refund', 'payment_not_found'), 'payment_unknown')
  assert.equal(adapter.declineCode('pay', 'invalid_account_number'), 'account_invalid')
  for (const code of [undefined, '', 'toString', '__proto__', 'new_code']) {
    assert.equal(adapter.declineCode('pay', code), 'other')
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { classifyAnswer, classifyStatus } from './classify-answer.ts'

const PAYMENT = '0192f0c1-2345-7000-8000-000000000001'
const EXPECTED = {
  kind: 'pay',
  operationId: PAYMENT,
  paymentId: PAYMENT,
  amountMinor: 10_050n,
  currency: 'USD',
} as const
const OTHER = '0192f0c1-2345-7000-8000-000000000002'
const approved = {
  status: 'approved',
  message: 'Payment processed successfully.',
  gateway_transaction_id: 'a735e5d1',
  payment_id: PAYMENT,
}
const failed = {
  status: 'failed',
  error_code: 'invalid_account_number',
  message: 'The destination account number is invalid.',
  payment_id: PAYMENT,
}

function answer(httpStatus: number, body: unknown, retryAfterMs: number | null = null) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { httpStatus, retryAfterMs, body: Buffer.from(text) }
}

const kindOf = (httpStatus: number, body: unknown): string =>
  classifyAnswer(EXPECTED, answer(httpStatus, body)).outcome.kind

test("an approval carries the PSP's fields unchanged", () => {
  assert.deepEqual(classifyAnswer(EXPECTED, answer(200, approved)), {
    outcome: {
      kind: 'approved',
      response: {
        status: 'approved',
        message: 'Payment processed successfully.',
        gateway_transaction_id: 'a735e5d1',
      },
    },
    errorClass: null,
  })
})

for (const httpStatus of [400, 402, 422]) {
  test(`${httpStatus} with a verdict for this payment is a decline (rule 9)`, () => {
    assert.equal(kindOf(httpStatus, failed), 'declined')
  })
  test(`${httpStatus} without a verdict is not a decline`, () => {
    const bodies = [
      { ...failed, payment_id: OTHER },
      { ...failed, status: 'approved' },
      '',
      '<html>',
    ]
    for (const body of bodies) assert.notEqual(kindOf(httpStatus, body), 'declined')
  })
}

test('an idempotency key that was used with other bytes is no verdict', () => {
  assert.equal(kindOf(422, { ...failed, error_code: 'idempotency_mismatch' }), 'ambiguous')
  assert.equal(kindOf(422, { code: 'IDEMPOTENCY_MISMATCH', status: 422 }), 'ambiguous')
})

test("5xx is temporary only with the PSP's own status failed", () => {
  assert.equal(kindOf(500, failed), 'unavailable')
  assert.equal(kindOf(503, failed), 'unavailable')
  assert.equal(kindOf(502, '<html>Bad gateway'), 'ambiguous')
  assert.equal(kindOf(500, { ...failed, payment_id: OTHER }), 'ambiguous')
  assert.equal(kindOf(500, approved), 'ambiguous')
})

test('429 is temporary and carries Retry-After', () => {
  const { outcome } = classifyAnswer(EXPECTED, answer(429, '', 3_000))
  assert.deepEqual(outcome, { kind: 'rate_limited', response: null, retryAfterMs: 3_000 })
})

test('401, 403 and unexpected 4xx need an operator', () => {
  for (const httpStatus of [400, 401, 403, 404, 405, 415]) {
    assert.equal(kindOf(httpStatus, { message: 'no' }), 'misconfigured')
  }
})

test('answers that leave the outcome open are ambiguous', () => {
  for (const httpStatus of [302, 408, 409, 425]) assert.equal(kindOf(httpStatus, ''), 'ambiguous')
})

test('200 with an unknown status, an unreadable body or for another payment is ambiguous', () => {
  const truncated = '{"status":"appro\u0000<html><body>Bad'
  const others = [
    { ...approved, payment_id: OTHER },
    { ...approved, status: 'held' },
  ]
  const bodies = [truncated, '', '[]', 'null', failed, ...others]
  for (const body of bodies) assert.equal(kindOf(200, body), 'ambiguous')
  const invalid = { ...answer(200, ''), body: Buffer.from([0xff, 0xfe]) }
  assert.equal(classifyAnswer(EXPECTED, invalid).outcome.kind, 'ambiguous')
})

test('of all possible answers only a verdict for this payment decides it', () => {
  const bodies = fc.oneof(fc.string(), fc.json(), fc.constant(JSON.stringify(failed)))
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 599 }), bodies, (httpStatus, body) => {
      const kind = kindOf(httpStatus, body)
      const ours = body === JSON.stringify(failed)
      if (kind === 'declined') assert.ok(ours && [400, 402, 422].includes(httpStatus))
      if (kind === 'unavailable') assert.ok(ours && httpStatus >= 500)
      assert.notEqual(kind, 'approved')
    }),
  )
})

test('fields of any size or content are cut to the limits of the event', () => {
  const wild = { ...approved, message: `\u0000${'😀'.repeat(2_000)}` }
  const { outcome } = classifyAnswer(EXPECTED, answer(200, wild))
  assert.ok(outcome.kind === 'approved')
  assert.ok((outcome.response.message?.length ?? 0) <= 1_024)
  assert.ok(!outcome.response.message?.includes('\u0000'))
})

test('a status query reads approved, failed and not_found; any other answer is unknown', () => {
  const kindOf = (httpStatus: number, body: unknown): string =>
    classifyStatus(EXPECTED, answer(httpStatus, body)).outcome.kind
  assert.equal(kindOf(200, approved), 'approved')
  assert.equal(kindOf(200, failed), 'failed')
  assert.equal(kindOf(200, { payment_id: PAYMENT, status: 'not_found' }), 'not_found')
  assert.equal(kindOf(200, { ...approved, amount: '100.5', currency: 'USD' }), 'approved')
  for (const body of [{ ...approved, payment_id: OTHER }, { ...approved, status: 'new' }, '{']) {
    assert.equal(kindOf(200, body), 'unknown')
  }
  assert.equal(kindOf(200, { ...approved, amount: '1.00', currency: 'USD' }), 'unknown')
  assert.equal(kindOf(404, { payment_id: PAYMENT, status: 'not_found' }), 'unknown')
  assert.equal(kindOf(500, failed), 'unknown')
})

const duplicated = `{"status":"failed",${JSON.stringify(approved).slice(1)}`

const disbelieved: [string, unknown, string][] = [
  ['a smaller amount', { ...approved, amount: '0.01', currency: 'USD' }, 'other_amount'],
  ['a larger amount', { ...approved, amount: '100.51' }, 'other_amount'],
  ['an amount in minor units', { ...approved, amount: '10050' }, 'other_amount'],
  ['an amount that is a JSON number', { ...approved, amount: 100.5 }, 'other_amount'],
  ['an amount that is null', { ...approved, amount: null }, 'other_amount'],
  ['an amount with an exponent', { ...approved, amount: '1.005e2' }, 'other_amount'],
  ['another currency', { ...approved, amount: '100.50', currency: 'JPY' }, 'other_currency'],
  ['a currency in lower case', { ...approved, currency: 'usd' }, 'other_currency'],
  ['another reference', { ...approved, payment_id: OTHER }, 'other_payment'],
  ['a reference in an array', { ...approved, payment_id: [PAYMENT] }, 'unreadable_answer'],
  ['no reference', { ...approved, payment_id: undefined }, 'unreadable_answer'],
  ['no transaction id', { ...approved, gateway_transaction_id: undefined }, 'no_transaction_id'],
  ['an empty transaction id', { ...approved, gateway_transaction_id: '' }, 'no_transaction_id'],
  ['a blank transaction id', { ...approved, gateway_transaction_id: ' ' }, 'no_transaction_id'],
  ['a number as transaction id', { ...approved, gateway_transaction_id: 5 }, 'no_transaction_id'],
  [
    'a transaction id too long to be kept whole',
    { ...approved, gateway_transaction_id: 'x'.repeat(256) },
    'no_transaction_id',
  ],
  ['two members of one name', duplicated, 'unreadable_answer'],
  ['an unknown status', { ...approved, status: 'new' }, 'unknown_status'],
]

for (const [what, body, errorClass] of disbelieved) {
  test(`an approval with ${what} is no verdict, in an answer and in a status query`, () => {
    const sent = classifyAnswer(EXPECTED, answer(200, body))
    assert.deepEqual(sent, { outcome: { kind: 'ambiguous' }, errorClass })
    const found = classifyStatus(EXPECTED, answer(200, body))
    assert.deepEqual(found, { outcome: { kind: 'unknown' }, errorClass })
  })
}

test('a failure that echoes another amount, currency or reference is no verdict', () => {
  for (const change of [{ amount: '0.01' }, { currency: 'JPY' }, { payment_id: OTHER }]) {
    const body = { ...failed, ...change }
    for (const httpStatus of [400, 402, 422, 429, 500]) {
      assert.equal(kindOf(httpStatus, body), 'ambiguous', JSON.stringify({ httpStatus, change }))
    }
    assert.equal(classifyStatus(EXPECTED, answer(200, body)).outcome.kind, 'unknown')
  }
})

test('an approval whose HTTP status contradicts it is ambiguous', () => {
  for (const httpStatus of [400, 401, 422, 429, 500]) {
    const { outcome, errorClass } = classifyAnswer(EXPECTED, answer(httpStatus, approved))
    assert.deepEqual([outcome.kind, errorClass], ['ambiguous', 'contradictory_answer'])
  }
})

test('what is echoed may be written with fewer decimals', () => {
  for (const amount of ['100.50', '100.5']) {
    assert.equal(kindOf(200, { ...approved, amount, currency: 'USD' }), 'approved')
  }
  const yen = { ...EXPECTED, amountMinor: 100n, currency: 'JPY' }
  const { outcome } = classifyAnswer(yen, answer(200, { ...approved, amount: '100' }))
  assert.equal(outcome.kind, 'approved')
})

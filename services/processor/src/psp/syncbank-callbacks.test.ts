import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { parseSyncbankCallback, verifySyncbankCallback } from './syncbank-callbacks.ts'

const SECRET = 'the-present-secret'
const OLD = 'the-former-secret'
const SECONDS = 1_790_000_000
const BODY = Buffer.from('{"event_id":"e-1",  "type":"payment.approved"}')
const PAYMENT = '0192f0c1-2345-7000-8000-000000000001'
const REFUND = '0192f0c1-2345-7000-8000-000000000002'

const v1 = (secret: string, body = BODY, time = SECONDS): string =>
  `v1=${createHmac('sha256', secret).update(`${time}.`).update(body).digest('hex')}`

function verify(header: string | string[] | undefined, secrets = [SECRET, OLD], rawBody = BODY) {
  return verifySyncbankCallback({ headers: { 'x-gateway-signature': header }, rawBody }, secrets)
}

test('a callback is verified by any of several secrets, with any of several signatures', () => {
  const verified = { verified: true, signedAt: SECONDS * 1_000 }
  const headers = [
    `t=${SECONDS},${v1(SECRET)}`,
    `t=${SECONDS},${v1(OLD)}`,
    `t=${SECONDS}, ${v1('of-the-future')}, ${v1(SECRET).toUpperCase().replace('V1', 'v1')}`,
    `v0=ignored,t=${SECONDS},${v1(OLD)},${v1(SECRET)}`,
  ]
  for (const header of headers) assert.deepEqual(verify(header), verified, header)
})

test('a callback with another secret, body, time or form of the signature is refused', () => {
  const good = v1(SECRET)
  const headers = [
    undefined,
    '',
    good,
    `t=${SECONDS}`,
    `t=${SECONDS},${v1('another-secret')}`,
    `t=${SECONDS + 1},${good}`,
    `t=${SECONDS},t=${SECONDS},${good}`,
    `t=${SECONDS},${good.slice(0, -1)}`,
    `t=${SECONDS},${good}0`,
    `t=x,${good}`,
    [`t=${SECONDS},${good}`],
    [`t=${SECONDS}`, ...Array.from({ length: 11 }, () => good)].join(','),
  ]
  for (const header of headers) {
    assert.deepEqual(verify(header), { verified: false }, String(header))
  }
  const spaced = Buffer.from(BODY.toString().replace('  ', ' '))
  assert.equal(verify(`t=${SECONDS},${good}`, [SECRET], spaced).verified, false)
  assert.equal(verify(`t=${SECONDS},${good}`, []).verified, false)
})

function parse(members: Record<string, unknown>) {
  const [fact, ...more] = parseSyncbankCallback(Buffer.from(JSON.stringify(members)))
  assert.ok(fact !== undefined && more.length === 0)
  return fact
}

const REFUNDED = {
  event_id: 'e-1',
  type: 'refund.approved',
  payment_id: PAYMENT,
  refund_id: REFUND.toUpperCase(),
  gateway_transaction_id: 't-1',
  gateway_refund_id: 'r-1',
  status: 'approved',
  amount: '10.05',
  currency: 'USD',
}

test('a callback becomes a fact in words of our own', () => {
  assert.deepEqual(parse(REFUNDED), {
    key: 'e-1',
    kind: 'refund',
    ourId: REFUND,
    itsId: 'r-1',
    paymentId: PAYMENT,
    paymentItsId: 't-1',
    state: 'approved',
    amountMinor: 1_005n,
    currency: 'USD',
    reasonCode: null,
  })
  const { refund_id: _, ...fromConsole } = REFUNDED
  assert.equal(parse(fromConsole).ourId, null)
  const returned = { ...fromConsole, type: 'payment.returned', status: 'returned' }
  const { kind, state, itsId, reasonCode } = parse({
    ...returned,
    gateway_return_id: 'b-1',
    reason_code: 'AC04',
  })
  assert.deepEqual([kind, state, itsId, reasonCode], ['return', 'returned', 'b-1', 'AC04'])
  const paid = parse({ ...REFUNDED, type: 'payment.reversed', status: 'reversed' })
  assert.deepEqual([paid.kind, paid.state, paid.ourId], ['pay', 'reversed', PAYMENT])
  assert.deepEqual([paid.itsId, paid.paymentItsId], ['t-1', 't-1'])
  const voided = parse({
    ...REFUNDED,
    type: 'void.failed',
    status: 'failed',
    amount: undefined,
    currency: undefined,
    void_id: REFUND,
  })
  assert.deepEqual([voided.kind, voided.state, voided.amountMinor], ['void', 'failed', null])
  const payout = parse({
    type: 'payout.reversed',
    payout_id: REFUND,
    gateway_payout_id: 'p-1',
    status: 'reversed',
    amount: '10.05',
    currency: 'USD',
  })
  const { ourId, paymentId, paymentItsId } = payout
  assert.deepEqual([payout.kind, payout.state, ourId], ['payout', 'reversed', REFUND])
  assert.deepEqual([payout.itsId, paymentId, paymentItsId], ['p-1', null, null])
})

test('a dispute is a fact about a payment, by the id that the bank has for it', () => {
  const { refund_id: _, ...members } = { ...REFUNDED, gateway_refund_id: undefined }
  const disputed = { ...members, dispute_id: 'd-1', reason_code: '10.4' }
  for (const [type, status, state] of [
    ['payment.disputed', 'disputed', 'opened'],
    ['dispute.won', 'won', 'won'],
    ['dispute.lost', 'lost', 'lost'],
  ]) {
    assert.deepEqual(parse({ ...disputed, type, status }), {
      key: 'e-1',
      kind: 'dispute',
      ourId: null,
      itsId: 'd-1',
      paymentId: PAYMENT,
      paymentItsId: 't-1',
      state,
      amountMinor: 1_005n,
      currency: 'USD',
      reasonCode: '10.4',
    })
  }
})

test('what the bank kept of a return is part of its fact, and of no other', () => {
  const { refund_id: _, ...rest } = REFUNDED
  const returned = { ...rest, type: 'payment.returned', status: 'returned', gateway_return_id: 'b' }
  assert.equal(parse({ ...returned, charges: '0.60' }).chargesMinor, 60n)
  assert.equal(parse(returned).chargesMinor, undefined)
  assert.equal(parse({ ...REFUNDED, charges: '0.60' }).chargesMinor, undefined)
  for (const charges of ['0.605', '-1.00', 0.6, null]) {
    assert.equal(parse({ ...returned, charges }).state, 'unknown', String(charges))
  }
})

test('what cannot be understood is an unknown fact, and ids of another form are left out', () => {
  const strange: Record<string, unknown>[] = [
    { type: 'payment.settled', status: 'settled' },
    { type: 'dispute.approved' },
    { type: 'payment.lost', status: 'lost' },
    { type: 'dispute.opened', status: 'opened' },
    { type: 'toString.constructor', status: 'constructor' },
    { type: 7 },
    { status: 'failed' },
    { amount: '10.005' },
    { amount: 10.05 },
    { currency: undefined },
    { currency: 'XXXX' },
  ]
  for (const members of strange) {
    assert.equal(parse({ ...REFUNDED, ...members }).state, 'unknown', JSON.stringify(members))
  }
  const ids = parse({ ...REFUNDED, refund_id: 'r', payment_id: 7, gateway_refund_id: 'a b' })
  assert.deepEqual([ids.ourId, ids.itsId, ids.paymentId], [null, null, null])
  for (const eventId of [undefined, '', 'a b', 'x'.repeat(201), 7]) {
    assert.match(parse({ ...REFUNDED, event_id: eventId }).key, /^sha256:[0-9a-f]{64}$/)
  }
  for (const text of ['', '[]', '{"type":1,"type":2}', 'null', '\xff']) {
    assert.deepEqual(parseSyncbankCallback(Buffer.from(text, 'latin1')), [])
  }
})

import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { test } from 'node:test'
import {
  isAsyncbankSecret,
  parseAsyncbankCallback,
  verifyAsyncbankCallback,
} from './asyncbank-callbacks.ts'

const SECONDS = 1_790_000_000
const BODY = Buffer.from('{"batch":"B1",  "items":[]}')
const PAYMENT = '0192f0c1-2345-7000-8000-000000000001'

function newKey(): { privateKey: KeyObject; text: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const { x = '' } = publicKey.export({ format: 'jwk' })
  return { privateKey, text: Buffer.from(x, 'base64url').toString('base64') }
}

const present = newKey()
const former = newKey()
const SECRETS = [`k2:${present.text}`, `k1:${former.text}`]

function signed(keyid: string, { privateKey }: { privateKey: KeyObject }, time = `${SECONDS}`) {
  const signature = sign(null, Buffer.concat([Buffer.from(`${time}.`), BODY]), privateKey)
  return {
    'x-timestamp': time,
    'x-signature': `keyid=${keyid};ed25519=${signature.toString('base64')}`,
  }
}

test('a batch is verified by the public key that its signature names', () => {
  const verified = { verified: true, signedAt: SECONDS * 1_000 }
  for (const headers of [signed('k2', present), signed('k1', former)]) {
    assert.deepEqual(verifyAsyncbankCallback({ headers, rawBody: BODY }, SECRETS), verified)
  }
  assert.ok(SECRETS.every(isAsyncbankSecret))
  assert.ok(!isAsyncbankSecret(present.text))
})

test('a batch with another key, time, body or form of the signature is refused', () => {
  const good = signed('k2', present)
  const bad = [
    {},
    { ...good, 'x-timestamp': String(SECONDS + 1) },
    { ...good, 'x-timestamp': undefined },
    { ...good, 'x-signature': [good['x-signature']] },
    { ...good, 'x-signature': good['x-signature'].replace('k2', 'k1') },
    { ...good, 'x-signature': good['x-signature'].replace('k2', 'k3') },
    { ...good, 'x-signature': `${good['x-signature']},x` },
    signed('k1', present),
    signed('k2', newKey()),
    signed('k2', present, 'now'),
  ]
  for (const headers of bad) {
    const { verified } = verifyAsyncbankCallback({ headers, rawBody: BODY }, SECRETS)
    assert.equal(verified, false, JSON.stringify(headers))
  }
  const rawBody = Buffer.from(BODY.toString().replace('  ', ' '))
  assert.equal(verifyAsyncbankCallback({ headers: good, rawBody }, SECRETS).verified, false)
  assert.equal(verifyAsyncbankCallback({ headers: good, rawBody: BODY }, []).verified, false)
  assert.equal(verifyAsyncbankCallback({ headers: good, rawBody: BODY }, ['k2:x']).verified, false)
})

const ITEM = {
  id: 'AB1',
  ref: PAYMENT.replaceAll('-', '').toUpperCase(),
  kind: 'pay',
  state: 'settled',
  amount: '1000',
  ccy: 'USD',
  at: '2026-01-01T00:00:00.000Z',
}
const parse = (...items: unknown[]) =>
  parseAsyncbankCallback(Buffer.from(JSON.stringify({ batch: 'B1', items })))

test('every item of a batch becomes a fact in words of our own', () => {
  const [paid, refunded, returned, reversed] = parse(
    ITEM,
    { ...ITEM, id: 'AB2', kind: 'refund', state: 'rejected', orig: 'AB1', code: 'MS03' },
    { ...ITEM, id: 'AB3', kind: 'return', orig: 'AB1', code: 'AC04' },
    { ...ITEM, state: 'reversed' },
  )
  const money = { amountMinor: 1_000n, currency: 'USD' }
  assert.deepEqual(paid, {
    key: 'AB1:settled',
    kind: 'pay',
    ourId: PAYMENT,
    itsId: 'AB1',
    paymentId: PAYMENT,
    paymentItsId: 'AB1',
    state: 'approved',
    ...money,
    reasonCode: null,
  })
  const ofPayment = { paymentId: null, paymentItsId: 'AB1', ...money }
  const refund = { key: 'AB2:rejected', kind: 'refund', ourId: PAYMENT, itsId: 'AB2' }
  assert.deepEqual(refunded, { ...refund, ...ofPayment, state: 'failed', reasonCode: 'MS03' })
  const back = { key: 'AB3:settled', kind: 'return', ourId: null, itsId: 'AB3' }
  assert.deepEqual(returned, { ...back, ...ofPayment, state: 'returned', reasonCode: 'AC04' })
  assert.deepEqual([reversed?.key, reversed?.state], ['AB1:reversed', 'reversed'])
  const [charged] = parse({ ...ITEM, kind: 'return', orig: 'AB1', charges: '60' })
  assert.deepEqual([charged?.state, charged?.chargesMinor], ['returned', 60n])
})

test('items of kind dispute are facts about the payment that they name', () => {
  const states = ['opened', 'won', 'lost'] as const
  const item = { ...ITEM, id: 'AB4', ref: 'd'.repeat(32), kind: 'dispute', orig: 'AB1' }
  const facts = parse(...states.map((state) => ({ ...item, state, code: '4837' })))
  const ids = { ourId: null, itsId: 'AB4', paymentId: null, paymentItsId: 'AB1' }
  assert.deepEqual(
    facts,
    states.map((state) => ({
      key: `AB4:${state}`,
      kind: 'dispute',
      ...ids,
      state,
      amountMinor: 1_000n,
      currency: 'USD',
      reasonCode: '4837',
    })),
  )
})

test('a bad item is an unknown fact and hides no other; a body that is no batch has none', () => {
  const bad = [
    null,
    7,
    [],
    {},
    { ...ITEM, kind: 'dispute' },
    { ...ITEM, state: 'toString' },
    { ...ITEM, amount: '10.00' },
    { ...ITEM, amount: 1_000 },
    { ...ITEM, ccy: undefined },
    { ...ITEM, id: undefined },
    { ...ITEM, kind: 'return', state: 'rejected' },
    { ...ITEM, kind: 'return', state: 'lost' },
    { ...ITEM, state: 'won' },
    { ...ITEM, kind: 'dispute' },
    { ...ITEM, kind: 'return', charges: '0.60' },
    { ...ITEM, kind: 'return', charges: -60 },
  ]
  const facts = parse(...bad, ITEM)
  assert.deepEqual(
    facts.map(({ state }) => state),
    [...bad.map(() => 'unknown'), 'approved'],
  )
  assert.equal(parse({ ...ITEM, ref: 'R1' })[0]?.ourId, null)
  for (const text of ['', '{}', '{"items":{}}', '{"items":[],"items":[]}', '\xff']) {
    assert.deepEqual(parseAsyncbankCallback(Buffer.from(text, 'latin1')), [])
  }
})

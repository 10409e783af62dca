import assert from 'node:assert/strict'
import { createPublicKey, randomBytes, verify } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import { receiveCallbacks, type ReceivedCallback } from '@caudal/testing/callback-receiver.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { examplePayment, newRef, orderBack, startAsyncbank, uuid } from './start-asyncbank.ts'

type Item = Record<string, string>
interface Batch {
  batch: string
  items: Item[]
}

async function world(t: TestContext) {
  const receiver = await receiveCallbacks(t)
  const bank = await startAsyncbank(t, {
    CAUDAL_ASYNCBANK_SIMULATOR_CALLBACK_URL: receiver.url,
    CAUDAL_ASYNCBANK_SIMULATOR_CALLBACK_KEYID: 'key-1',
    CAUDAL_ASYNCBANK_SIMULATOR_CALLBACK_KEY: randomBytes(32).toString('base64'),
  })
  const items = () => receiver.received.flatMap(({ body }) => (JSON.parse(body) as Batch).items)
  const about = (ref: string) => items().filter((item) => item['ref'] === ref)
  /** Waits until the transfer has ended and no callback about it waits, then returns all. */
  const settled = async (ref: string, id: string) => {
    await bank.ended(id)
    await eventually(async () => {
      const { rows } = await bank.db.query(
        'SELECT 1 FROM callbacks WHERE subject_id = $1 AND delivered_at IS NULL',
        [uuid(ref)],
      )
      return rows.length === 0
    })
    return about(ref)
  }
  return { bank, receiver, items, about, settled }
}

function isSigned({ headers, body }: ReceivedCallback, keyid: string, publicKey: string): boolean {
  const x = Buffer.from(publicKey, 'base64').toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  const [, id, signature] = /^keyid=(.*);ed25519=(.*)$/.exec(String(headers['x-signature'])) ?? []
  const signed = Buffer.from(`${String(headers['x-timestamp'])}.${body}`)
  return id === keyid && verify(null, signed, key, Buffer.from(signature ?? '', 'base64'))
}

test('P8: ends of transfers arrive in batches, signed over the raw bytes', async (t) => {
  const { bank, receiver, about, settled } = await world(t)
  receiver.answerWith(500)
  await bank.behave({ settle_ms: 100 })
  const refs = Array.from({ length: 50 }, newRef)
  const answers = await Promise.all(refs.map((ref) => bank.order(examplePayment(ref))))
  const ids = answers.map(({ fields }) => fields['id'] ?? '')
  await Promise.all(ids.map((id) => bank.ended(id)))
  receiver.answerWith(202)
  for (const [index, ref] of refs.entries()) await settled(ref, ids[index] ?? '')
  const [item] = about(refs[0] ?? '')
  assert.deepEqual(item, {
    id: ids[0],
    ref: refs[0],
    kind: 'pay',
    state: 'settled',
    amount: '10050',
    ccy: 'USD',
    at: item?.['at'],
  })
  const batches = receiver.received.map(({ body }) => JSON.parse(body) as Batch)
  assert.ok(batches.some(({ items }) => items.length > 1))
  assert.equal(new Set(batches.map(({ batch }) => batch)).size, batches.length)
  const { json } = await bank.admin('GET', 'callbacks')
  assert.equal(json['keyid'], 'key-1')
  for (const callback of receiver.received) {
    assert.ok(isSigned(callback, 'key-1', String(json['public_key'])))
  }
})

test('P8: refunds, returns and rejections name the payment and the code', async (t) => {
  const { bank, items, settled } = await world(t)
  const ref = newRef()
  const id = await bank.settledPayment(ref)
  const refund = orderBack('refund', id, '50')
  const tooMuch = orderBack('refund', id, '10050')
  for (const order of [refund, tooMuch]) {
    const { fields } = await bank.order(order)
    const [item] = await settled(order['ref'] ?? '', fields['id'] ?? '')
    assert.deepEqual([item?.['kind'], item?.['orig']], ['refund', id])
    assert.equal(item?.['code'], order === tooMuch ? 'AM02' : undefined)
  }
  await bank.admin('POST', 'refunds', { payment_id: uuid(ref), amount: '1.00' })
  const returned = { payment_id: uuid(ref), amount: '2.00', reason: 'AC04' }
  await bank.admin('POST', 'returns', returned)
  const item = await eventually(() => items().find(({ kind }) => kind === 'return'))
  assert.deepEqual([item['orig'], item['amount'], item['code']], [id, '200', 'AC04'])
  const console = items().find(({ kind, amount }) => kind === 'refund' && amount === '100')
  assert.equal(console?.['orig'], id)
})

test('P8: the console settles what was rejected, once, and reports it', async (t) => {
  const { bank, about, settled } = await world(t)
  await bank.behave({ default: 'decline' })
  const ref = newRef()
  const id = (await bank.order(examplePayment(ref))).fields['id'] ?? ''
  assert.equal((await bank.ended(id))['state'], 'rejected')
  const capture = () => bank.admin('POST', 'captures', { payment_id: uuid(ref) })
  const { status, json } = await capture()
  assert.deepEqual([status, json['gateway_transaction_id']], [201, id])
  assert.deepEqual(
    (await bank.list('charges', uuid(ref))).map((charge) => charge['gateway_transaction_id']),
    [id],
  )
  assert.equal((await capture()).status, 404)
  await settled(ref, id)
  assert.deepEqual(
    about(ref).map(({ state, code }) => [state, code]),
    [
      ['rejected', 'AC01'],
      ['settled', undefined],
    ],
  )
  await bank.behave({})
  const { fields } = await bank.order(orderBack('refund', id, '50'))
  assert.equal((await bank.ended(fields['id'] ?? ''))['state'], 'settled')
})

test('P8: callback_before_answer delivers the callback before the answer', async (t) => {
  const { bank, about } = await world(t)
  await bank.behave({ default: 'callback_before_answer', settle_ms: 60_000 })
  const ref = newRef()
  const { status, fields } = await bank.order(examplePayment(ref))
  assert.deepEqual([status, fields['state']], [202, 'received'])
  assert.deepEqual(
    about(ref).map(({ state }) => state),
    ['settled'],
  )
})

test('P8: callbacks misbehave as demanded, and the books keep the truth', async (t) => {
  const { bank, settled } = await world(t)
  const expected: [string, string[], string][] = [
    ['callback_twice', ['settled', 'settled'], '10050'],
    ['callback_never', [], ''],
    ['callback_late:50', ['settled'], '10050'],
    ['callback_wrong_amount', ['settled'], '1'],
    ['contradict', ['rejected'], '10050'],
    ['reverse_after_success', ['settled', 'reversed'], '10050'],
  ]
  for (const [behaviour, states, amount] of expected) {
    await bank.behave({ default: behaviour })
    const ref = newRef()
    const { fields } = await bank.order(examplePayment(ref))
    const items = await settled(ref, fields['id'] ?? '')
    const reported = items.map(({ state }) => state)
    assert.deepEqual(reported, states, behaviour)
    for (const item of items) assert.equal(item['amount'], amount, behaviour)
    assert.equal((await bank.list('charges', uuid(ref)))[0]?.['amount'], '100.50', behaviour)
  }
})

test('P8: another key id makes another key, which survives a restart', async (t) => {
  const { bank, receiver, settled } = await world(t)
  const before = (await bank.admin('GET', 'callbacks')).json
  const settings = { url: receiver.url, keyid: 'key-2' }
  const { json } = await bank.admin('PUT', 'callbacks', settings)
  assert.notEqual(json['public_key'], before['public_key'])
  await bank.restart()
  assert.deepEqual((await bank.admin('GET', 'callbacks')).json, json)
  const ref = newRef()
  await settled(ref, await bank.settledPayment(ref))
  const [callback] = receiver.received
  assert.ok(callback !== undefined && isSigned(callback, 'key-2', String(json['public_key'])))
  await bank.admin('PUT', 'callbacks', { url: null })
  const silent = newRef()
  assert.deepEqual(await settled(silent, await bank.settledPayment(silent)), [])
})

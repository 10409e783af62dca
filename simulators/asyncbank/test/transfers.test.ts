import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { beforeEach, describe, test } from 'node:test'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { examplePayment, newRef, orderBack, startAsyncbank, uuid } from './start-asyncbank.ts'

describe('transfers at the asynchronous bank', async () => {
  const bank = await startAsyncbank(suiteScope())
  beforeEach(() => bank.behave({}))

  const amounts = (items: Record<string, unknown>[]) => items.map((item) => item['amount'])

  test('P8: a payment is received first, and settles later', async () => {
    await bank.behave({ settle_ms: 60_000 })
    const ref = newRef()
    const { status, headers, fields } = await bank.order(examplePayment(ref))
    assert.equal(status, 202)
    assert.match(headers.get('content-type') ?? '', /^application\/x-www-form-urlencoded/)
    assert.deepEqual(fields, { id: fields['id'], ref, state: 'received' })
    assert.match(fields['id'] ?? '', /^AB[0-9A-F]{24}$/)
    assert.equal((await bank.query(fields['id'] ?? '')).fields['state'], 'received')
    assert.deepEqual(await bank.list('charges', uuid(ref)), [])
    await bank.behave({})
    const paid = newRef()
    const id = await bank.settledPayment(paid)
    assert.deepEqual((await bank.query(id)).fields, {
      id,
      ref: paid,
      kind: 'pay',
      state: 'settled',
      amount: '10050',
      ccy: 'USD',
    })
    const [charge] = await bank.list('charges', uuid(paid))
    assert.deepEqual(charge, {
      payment_id: uuid(paid),
      gateway_transaction_id: id,
      amount: '100.50',
      currency: 'USD',
      account_number: '1234567890',
      at: charge?.['at'],
    })
  })

  test('P8: a known key makes no second transfer; another body under it is refused', async () => {
    const ref = newRef()
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => bank.order(examplePayment(ref))),
    )
    assert.equal(answers.filter(({ status }) => status === 202).length, 1)
    assert.equal(new Set(answers.map(({ fields }) => fields['id'])).size, 1)
    const id = answers[0]?.fields['id'] ?? ''
    await bank.ended(id)
    const again = await bank.order(examplePayment(ref))
    assert.deepEqual([again.status, again.fields['state']], [200, 'settled'])
    const other = await bank.order({ ...examplePayment(ref), amount: '1' })
    assert.deepEqual([other.status, other.fields], [409, { code: 'key_reused' }])
    assert.equal((await bank.list('charges', uuid(ref))).length, 1)
  })

  test('P8: a forgotten key makes a new transfer', async () => {
    for (const settings of [{ key_ms: 0 }, { default: 'forget_keys' }]) {
      await bank.behave(settings)
      const ref = newRef()
      const ids = [await bank.settledPayment(ref), await bank.settledPayment(ref)]
      assert.equal(new Set(ids).size, 2)
      assert.equal((await bank.list('charges', uuid(ref))).length, 2, JSON.stringify(settings))
    }
  })

  test('P8: transfers that were received before a restart settle after it', async () => {
    await bank.behave({ settle_ms: 300 })
    const ref = newRef()
    const { fields } = await bank.order(examplePayment(ref))
    await bank.restart()
    assert.equal((await bank.ended(fields['id'] ?? ''))['state'], 'settled')
    assert.equal((await bank.order(examplePayment(ref))).fields['id'], fields['id'])
  })

  test('bad requests are refused with a code, and nothing is stored', async () => {
    const ref = newRef()
    const good = examplePayment(ref)
    const { to_name: _name, ...nameless } = good
    const bad: [Record<string, string>, string][] = [
      [{ ...good, ref: randomUUID() }, 'invalid_ref'],
      [{ ...good, amount: '100.50' }, 'invalid_amount'],
      [{ ...good, amount: '0' }, 'invalid_amount'],
      [{ ...good, ccy: 'XXY' }, 'invalid_ccy'],
      [{ ...good, kind: 'return' }, 'invalid_kind'],
      [{ ...good, memo: 'x' }, 'unknown_field'],
      [{ ...good, to: 'a\u0000' }, 'invalid_to'],
      [nameless, 'missing_to_name'],
      [{ ref, kind: 'refund', amount: '1', ccy: 'USD' }, 'missing_orig'],
    ]
    for (const [fields, code] of bad) {
      const { status, fields: answer } = await bank.order(fields, { key: ref })
      assert.deepEqual([status, answer], [400, { code }])
    }
    assert.equal((await bank.order(good, { key: '' })).fields['code'], 'missing_key')
    assert.equal((await bank.order(good, { key: randomUUID() })).fields['code'], 'invalid_key')
    const stranger = await bank.order(good, { apiKey: 'another-key' })
    assert.deepEqual([stranger.status, stranger.fields], [401, { code: 'unauthorized' }])
    const { rows } = await bank.db.query('SELECT 1 FROM transfers WHERE ref = $1', [uuid(ref)])
    assert.deepEqual(rows, [])
    const unknown = await bank.query(`AB${'0'.repeat(24)}`)
    assert.deepEqual([unknown.status, unknown.fields], [404, { code: 'not_found' }])
    assert.equal((await bank.query(ref)).status, 404)
  })

  test('P8: a declined payment is rejected later, with an ISO code', async () => {
    await bank.behave({ by_account: { '1234567890': 'decline' } })
    const ref = newRef()
    const { status, fields } = await bank.order(examplePayment(ref))
    assert.equal(status, 202)
    const { state, code } = await bank.ended(fields['id'] ?? '')
    assert.deepEqual([state, code], ['rejected', 'AC01'])
    assert.deepEqual(await bank.list('charges', uuid(ref)), [])
  })

  test('P8: parallel refunds never exceed the payment', async () => {
    const ref = newRef()
    const id = await bank.settledPayment(ref)
    const orders = Array.from({ length: 100 }, () => orderBack('refund', id, '1000'))
    const answers = await Promise.all(orders.map((order) => bank.order(order)))
    const ends = await Promise.all(answers.map(({ fields }) => bank.ended(fields['id'] ?? '')))
    assert.equal(ends.filter(({ state }) => state === 'settled').length, 10)
    for (const { state, code } of ends) if (state !== 'settled') assert.equal(code, 'AM02')
    const refunds = await bank.list('refunds', uuid(ref))
    assert.equal(refunds.length, 10)
    assert.deepEqual(Object.keys(refunds[0] ?? {}), [
      'refund_id',
      'payment_id',
      'amount',
      'currency',
      'at',
    ])
  })

  test('P8: a void moves all that remains, once, and only while the payment is young', async () => {
    const ref = newRef()
    const id = await bank.settledPayment(ref)
    const end = async (order: Record<string, string>) =>
      bank.ended((await bank.order(order)).fields['id'] ?? '')
    assert.equal((await end(orderBack('void', id, '10000')))['code'], 'AM09')
    assert.equal((await end(orderBack('refund', id, '50')))['state'], 'settled')
    assert.equal((await end(orderBack('void', id, '10000')))['state'], 'settled')
    assert.equal((await end(orderBack('void', id, '10000')))['code'], 'AM05')
    assert.equal((await end(orderBack('refund', id, '1')))['code'], 'AM02')
    assert.deepEqual(amounts(await bank.list('voids', uuid(ref))), ['100.00'])
    const old = await bank.settledPayment()
    await bank.behave({ void_ms: 0, refund_ms: 0 })
    assert.equal((await end(orderBack('void', old, '10050')))['code'], 'TM01')
    assert.equal((await end(orderBack('refund', old, '1')))['code'], 'TM01')
    const unknown = orderBack('refund', `AB${'0'.repeat(24)}`, '1')
    assert.equal((await end(unknown))['code'], 'NOOR')
    await bank.behave({})
    assert.equal((await end({ ...orderBack('refund', old, '1'), ccy: 'EUR' }))['code'], 'AM11')
  })

  test('P8: the console, refunds and a void never exceed the payment together', async () => {
    for (let round = 0; round < 5; round++) {
      const ref = newRef()
      const id = await bank.settledPayment(ref)
      const answers = await Promise.all([
        bank.order(orderBack('refund', id, '6000')),
        bank.order(orderBack('void', id, '10050')),
      ])
      await Promise.all([
        bank.admin('POST', 'returns', { payment_id: uuid(ref), reason: 'AC04' }),
        bank.admin('POST', 'refunds', { payment_id: uuid(ref), amount: '50.00' }),
        ...answers.map(({ fields }) => bank.ended(fields['id'] ?? '')),
      ])
      const names = ['refunds', 'voids', 'returns']
      const lists = await Promise.all(names.map((name) => bank.list(name, uuid(ref))))
      const cents = amounts(lists.flat()).map((amount) => Number(amount) * 100)
      assert.ok(cents.length > 0 && cents.reduce((sum, one) => sum + one, 0) <= 10_050)
    }
  })

  test('P8: a reversal takes a settled transfer back', async () => {
    await bank.behave({ default: 'reverse_after_success' })
    const ref = newRef()
    const { fields } = await bank.order(examplePayment(ref))
    assert.equal((await bank.ended(fields['id'] ?? ''))['state'], 'reversed')
    assert.equal((await bank.list('charges', uuid(ref))).length, 1)
    assert.deepEqual(amounts(await bank.list('reversals', uuid(ref))), ['100.50'])
    await bank.behave({ by_operation: { refund: 'reverse_after_success' } })
    const paid = newRef()
    const order = orderBack('refund', await bank.settledPayment(paid), '10050')
    const refund = (await bank.order(order)).fields['id'] ?? ''
    assert.equal((await bank.ended(refund))['state'], 'reversed')
    assert.deepEqual(await bank.list('refunds', uuid(paid)), [])
    const [reversal] = await bank.list('reversals', uuid(paid))
    assert.equal(reversal?.['refund_id'], uuid(order['ref'] ?? ''))
    const returned = { payment_id: uuid(paid), reason: 'AC04' }
    const moved = await bank.admin('POST', 'returns', returned)
    assert.deepEqual([moved.status, moved.json['amount']], [201, '100.50'])
    const nothing = await bank.admin('POST', 'returns', returned)
    assert.deepEqual([nothing.status, nothing.json['code']], [422, 'CORRECTION_EXCEEDS_ORIGINAL'])
    const beyond = { ...returned, beyond_charge: true, amount: '7.00' }
    assert.equal((await bank.admin('POST', 'returns', beyond)).json['amount'], '7.00')
    const none = await bank.admin('POST', 'refunds', { payment_id: randomUUID() })
    assert.equal(none.status, 404)
  })
})

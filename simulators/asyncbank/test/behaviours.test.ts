import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { examplePayment, newRef, orderBack, startAsyncbank, uuid } from './start-asyncbank.ts'

describe('behaviours of the asynchronous bank', async () => {
  const bank = await startAsyncbank(suiteScope())
  beforeEach(() => bank.behave({}))

  const stored = async (ref: string) =>
    (await bank.db.query('SELECT 1 FROM transfers WHERE ref = $1', [uuid(ref)])).rows.length

  test('P8: errors before acceptance store nothing, and the key stays unknown', async () => {
    const expected: [string, number, string][] = [
      ['error_500_once', 500, 'temporarily_unavailable'],
      ['rate_limit_once', 429, 'too_many_requests'],
    ]
    for (const [behaviour, status, code] of expected) {
      await bank.behave({ default: behaviour })
      const ref = newRef()
      const refused = await bank.order(examplePayment(ref))
      assert.deepEqual([refused.status, refused.fields], [status, { code }])
      assert.equal(await stored(ref), 0)
      assert.equal((await bank.order(examplePayment(ref))).status, 202)
      assert.equal(await stored(ref), 1)
    }
  })

  test('P8: a lost answer is a transfer or none, as demanded', async () => {
    for (const [behaviour, transfers] of [
      ['reset', 0],
      ['apply_then_reset', 1],
    ] as const) {
      await bank.behave({ default: behaviour })
      const ref = newRef()
      await assert.rejects(bank.order(examplePayment(ref)), /fetch failed/)
      assert.equal(await stored(ref), transfers, behaviour)
    }
    await bank.behave({ default: 'apply_then_hang' })
    const ref = newRef()
    const caller = new AbortController()
    const left = assert.rejects(bank.order(examplePayment(ref), { signal: caller.signal }), {
      name: 'AbortError',
    })
    await eventually(async () => (await bank.list('charges', uuid(ref))).length === 1)
    caller.abort()
    await left
    await bank.behave({})
    const again = await bank.order(examplePayment(ref))
    assert.deepEqual([again.status, again.fields['state']], [200, 'settled'])
  })

  test('P8: false answers leave the books as they are', async () => {
    const lies: [string, string, string | null][] = [
      ['wrong_amount', 'amount', '1'],
      ['wrong_currency', 'ccy', 'JPY'],
      ['no_transaction_id', 'id', null],
      ['repeated_transaction_id', 'id', `AB${'1'.padStart(24, '0')}`],
    ]
    for (const [behaviour, field, value] of lies) {
      await bank.behave({ default: behaviour })
      const ref = newRef()
      const { status, fields } = await bank.order(examplePayment(ref))
      assert.deepEqual([status, fields[field] ?? null], [202, value], behaviour)
      await eventually(async () => (await bank.list('charges', uuid(ref))).length === 1)
      assert.equal((await bank.list('charges', uuid(ref)))[0]?.['amount'], '100.50')
    }
    await bank.behave({ default: 'duplicate_members' })
    const { text } = await bank.order(examplePayment(newRef()))
    assert.match(text, /^state=settled&id=.*&state=received$/)
    await bank.behave({ default: 'garbage' })
    assert.match((await bank.order(examplePayment(newRef()))).text, /%E0%A4%A/)
  })

  test('P8: queries misbehave only by their own operation', async () => {
    const id = await bank.settledPayment()
    const state = async () => (await bank.query(id)).fields['state']
    await bank.behave({ default: 'error_500' })
    assert.equal(await state(), 'settled')
    await bank.behave({ by_operation: { query: 'contradict' } })
    assert.equal(await state(), 'rejected')
    await bank.behave({ by_operation: { query: 'forget_keys' } })
    assert.equal((await bank.query(id)).status, 404)
    await bank.behave({ by_operation: { query: 'error_500_twice' } })
    const statuses = [await bank.query(id), await bank.query(id), await bank.query(id)]
    assert.deepEqual(
      statuses.map(({ status }) => status),
      [500, 500, 200],
    )
  })

  test('P8: each operation has its own behaviour; the account is narrower', async () => {
    const ref = newRef()
    const id = await bank.settledPayment(ref)
    await bank.behave({ by_operation: { refund: 'error_500' } })
    assert.equal((await bank.order(orderBack('refund', id, '1'))).status, 500)
    await bank.behave({
      by_operation: { refund: 'error_500' },
      by_account: { '1234567890': 'decline' },
    })
    const declined = (await bank.order(orderBack('refund', id, '1'))).fields['id'] ?? ''
    assert.equal((await bank.ended(declined))['code'], 'MS03')
    const { json } = await bank.admin('GET', `requests?operation=refund&payment_id=${uuid(ref)}`)
    const requests = json['data'] as { behaviour: string; account_number: string }[]
    assert.deepEqual(
      requests.map(({ behaviour, account_number: account }) => [behaviour, account]),
      [
        ['error_500', '1234567890'],
        ['decline', '1234567890'],
      ],
    )
  })

  test('P8: random gives the same faults for the same seed', async () => {
    const drawn = async () => {
      await bank.behave({ default: 'random_callbacks:0.6', seed: 11 })
      const refs = Array.from({ length: 12 }, newRef)
      for (const ref of refs) await bank.order(examplePayment(ref))
      const lists = await Promise.all(refs.map((ref) => bank.list('requests', uuid(ref))))
      return lists.map(([request]) => request?.['behaviour'])
    }
    const first = await drawn()
    assert.deepEqual(await drawn(), first)
    assert.ok(new Set(first).size > 2, String(first))
  })
})

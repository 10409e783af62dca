import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import { newId, returnIdOf } from '@caudal/contracts/ids.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { asyncbankWorld, hexOf, itemOf } from './asyncbank-world.ts'
import { call } from './call.ts'
import { typesOf } from './callback-stories-of.ts'
import { about, post } from './callback-world.ts'
import { fileScope, fundsReserved, refundRequested } from './world.ts'

const it = await asyncbankWorld(fileScope(after))
const { asyncbank } = it
type Sent = Awaited<ReturnType<typeof it.send>>

async function contradictionOf(id: string) {
  const [event, ...others] = await eventually(async () => {
    const found = await it.facts(id)
    return found.length > 0 && found
  })
  assert.ok(event?.event_type === 'psp.contradicted')
  assert.deepEqual(others, [])
  return event
}

async function statusOf({ payment_id: id }: FundsReserved): Promise<string | undefined> {
  const { rows } = await it.db.query<{ status: string }>(
    'SELECT status FROM payments WHERE payment_id = $1',
    [id],
  )
  return rows[0]?.status
}

async function attemptsOf({ payment_id: id }: FundsReserved): Promise<string[]> {
  const { rows } = await it.db.query<{ status: string }>(
    'SELECT status FROM attempts WHERE payment_id = $1',
    [id],
  )
  return rows.map(({ status }) => status)
}

const stored = async (): Promise<number> => {
  const { rows } = await it.db.query<{ count: number }>(
    'SELECT count(*)::int + (SELECT count(*)::int FROM callback_facts) AS count FROM callbacks',
  )
  return rows[0]!.count
}

test('P15: a callback before our own HTTP answer completes the payment by its SENDING row', async () => {
  const by_account = { silent: 'apply_then_hang', before: 'callback_before_answer' }
  await asyncbank.behave({ by_account, settle_ms: 200 })
  const { payment } = await it.send('silent')
  assert.equal((await it.final(payment.payment_id)).event_type, 'payment.completed')
  assert.deepEqual(await attemptsOf(payment), ['SENDING'], 'no answer has come')
  const early = await it.send('before')
  assert.equal((await it.final(early.payment.payment_id)).event_type, 'payment.completed')
  for (const { payment_id: id } of [payment, early.payment]) {
    assert.deepEqual(await it.facts(id), [])
    assert.equal((await asyncbank.list('charges', id)).length, 1)
  }
  await asyncbank.behave({})
})

test('P15: a duplicate of a callback gets 202 and is stored and applied once', async () => {
  await asyncbank.behave({ by_account: { twice: 'callback_twice' } })
  const { payment, itsId } = await it.send('twice')
  await it.final(payment.payment_id)
  await it.applied(`${itsId}:settled`)
  const before = await stored()
  const item = itemOf({ payment, itsId }, 'settled')
  assert.deepEqual([await it.post([item]), await it.post([item])], [202, 202])
  assert.equal(await stored(), before)
  assert.deepEqual(typesOf(await it.resultsOf(payment.payment_id)), ['payment.completed'])
  assert.deepEqual(await it.facts(payment.payment_id), [])
})

test('P15: pending after success changes nothing', async () => {
  await asyncbank.behave({})
  const paid = await it.pay()
  assert.equal(await it.post([itemOf(paid, 'received')]), 202)
  assert.equal((await it.applied(`${paid.itsId}:received`)).state, 'NO_CHANGE')
  assert.equal(await statusOf(paid.payment), 'COMPLETED')
  assert.deepEqual(await it.facts(paid.payment.payment_id), [])
})

test('P15: failure after success keeps the state and opens a case', async () => {
  await asyncbank.behave({ by_account: { liar: 'contradict' } })
  const { payment, itsId } = await it.send('liar')
  const { contradiction, subject } = await contradictionOf(payment.payment_id)
  assert.equal(contradiction, 'failure_after_success')
  assert.deepEqual(subject, { type: 'payment', id: payment.payment_id })
  assert.equal((await it.applied(`${itsId}:rejected`)).state, 'CONTRADICTION')
  assert.equal(await statusOf(payment), 'COMPLETED')
  assert.deepEqual(typesOf(await it.resultsOf(payment.payment_id)), ['payment.completed'])
})

test('P15: success after FAILED is asked about, and emitted once as the truth that came late', async () => {
  await asyncbank.behave({
    by_account: { liar: 'contradict' },
    by_operation: { query: 'contradict' },
  })
  const sent = await it.send('liar')
  const { payment, itsId } = sent
  assert.equal((await it.final(payment.payment_id)).event_type, 'payment.failed.gateway_error')
  await it.applied(`${itsId}:rejected`)
  assert.equal((await asyncbank.list('charges', payment.payment_id)).length, 1)
  await asyncbank.behave({})
  const settled = itemOf(sent, 'settled')
  assert.equal(await it.post([settled]), 202)
  const [late, ...others] = await eventually(async () => {
    const events = await it.facts(payment.payment_id)
    return events.length > 0 && events
  })
  assert.ok(late?.event_type === 'payment.captured_late')
  assert.deepEqual(others, [])
  assert.deepEqual(
    [late.psp, late.amount, late.gateway_response.gateway_transaction_id],
    ['asyncbank', '10.00', itsId],
  )
  await it.applied(`${itsId}:settled`)
  assert.equal(await it.post([settled]), 202)
  assert.equal((await it.facts(payment.payment_id)).length, 1)
})

test('P15: another amount or currency is not applied and opens a case', async () => {
  await asyncbank.behave({ by_account: { lies: 'callback_wrong_amount' } })
  const { payment, itsId } = await it.send('lies')
  const { contradiction, amount } = await contradictionOf(payment.payment_id)
  assert.deepEqual([contradiction, amount], ['amount_mismatch', '0.01'])
  assert.equal((await it.applied(`${itsId}:settled`)).state, 'CONTRADICTION')
  assert.deepEqual(await it.resultsOf(payment.payment_id), [])
  const paid = await it.pay()
  await it.post([itemOf(paid, 'rejected', { ccy: 'EUR' })])
  const { state, cause } = await it.applied(`${paid.itsId}:rejected`)
  assert.deepEqual([state, cause], ['CONTRADICTION', 'currency_mismatch'])
})

test('P15: one bad item of a signed batch does not stop the others, which apply', async () => {
  const by_account = { first: 'callback_never', other: 'callback_never', last: 'callback_never' }
  await asyncbank.behave({ by_account })
  const sent = await Promise.all(['first', 'other', 'last'].map((account) => it.send(account)))
  const [first, other, last] = sent as [Sent, Sent, Sent]
  const returned = { kind: 'return', orig: first.itsId }
  const bad = [
    null,
    'no item',
    itemOf(first, 'settled', { id: newId(), kind: 'gift' }),
    itemOf(first, 'settled', { id: newId(), amount: 'much' }),
    // It can be read, but what came back is in a currency that does not exist.
    itemOf(first, 'settled', { id: newId(), kind: 'return', ccy: 'ZZZ' }),
    itemOf(other, 'settled', { amount: '1' }),
  ]
  const back = itemOf(first, 'settled', { ...returned, id: newId(), amount: '300', code: 'MS03' })
  const items = [itemOf(first, 'settled'), ...bad, itemOf(last, 'settled'), back]
  assert.equal(await it.post(items), 202)
  for (const { payment } of [first, last]) {
    assert.equal((await it.final(payment.payment_id)).event_type, 'payment.completed')
  }
  const [event] = await eventually(async () => {
    const events = await it.facts(returnIdOf('asyncbank', String(back['id'])))
    return events.length > 0 && events
  })
  assert.ok(event?.event_type === 'return.received')
  assert.deepEqual([event.payment?.payment_id, event.amount], [first.payment.payment_id, '3.00'])
  assert.equal((await contradictionOf(other.payment.payment_id)).contradiction, 'amount_mismatch')
  assert.deepEqual(await it.resultsOf(other.payment.payment_id), [])
  const { rows } = await it.db.query<{ state: string; cause: string | null }>(
    `SELECT state, cause FROM callback_facts
     WHERE callback_id = (SELECT callback_id FROM callback_facts WHERE key = $1)
     ORDER BY position`,
    [`${String(back['id'])}:settled`],
  )
  const unknown = ['PARKED', 'unknown']
  assert.deepEqual(
    rows.slice(1, -2).map(({ state, cause }) => [state, cause]),
    [
      unknown,
      unknown,
      unknown,
      unknown,
      ['PARKED', 'internal_error'],
      ['CONTRADICTION', 'amount_mismatch'],
    ],
  )
})

test("P15: a batch that is signed with another account's key gets 401, and nothing is stored", async () => {
  await asyncbank.behave({})
  const paid = await it.pay()
  const before = await stored()
  assert.equal(await it.post([itemOf(paid, 'reversed')], it.ofShop), 401)
  assert.equal(await it.post([itemOf(paid, 'reversed')], { ...it.ofShop, id: it.own.id }), 401)
  assert.equal(await stored(), before)
})

test('P15: an item of an unknown kind is stored and raises an alarm', async () => {
  await asyncbank.behave({})
  const paid = await it.pay()
  const parked = async (): Promise<number> => {
    const { text } = await call(`${it.service.url}/metrics`)
    const [, count = '0'] =
      /^psp_callback_facts_total\{.*state="PARKED",cause="unknown".*\} (\d+)$/m.exec(text) ?? []
    return Number(count)
  }
  const before = await parked()
  const item = itemOf(paid, 'settled', { kind: 'direct_debit', id: `D${randomUUID()}` })
  assert.equal(await it.post([item]), 202)
  const { state, cause } = await it.applied(`${item['id']}:settled`)
  assert.deepEqual([state, cause], ['PARKED', 'unknown'])
  assert.equal(await parked(), before + 1)
})

test('P15: a callback names a refund whose answer was lost by an id that never came: it is adopted', async () => {
  await asyncbank.behave({ by_operation: { refund: 'apply_then_reset' } })
  const { payment } = await it.pay()
  const refund = refundRequested(payment, '4.00')
  await it.refund([refund])
  const results = await eventually(async () => {
    const events = await it.refundResults(refund.refund_id)
    return /succeeded|failed/.test(events.at(-1)?.event_type ?? '') && events
  })
  assert.deepEqual(typesOf(results), ['refund.submitted', 'refund.in_doubt', 'refund.succeeded'])
  const [made, ...others] = await asyncbank.list('refunds', payment.payment_id)
  assert.deepEqual(others, [])
  const last = results.at(-1)
  assert.ok(last?.event_type === 'refund.succeeded')
  const { rows } = await it.db.query<{ operation_id: string }>(
    `SELECT operation_id FROM operation_transactions
     WHERE psp = 'asyncbank' AND gateway_transaction_id = $1`,
    [last.gateway_response.gateway_transaction_id],
  )
  assert.equal(rows.length, 1)
  assert.ok(made)
  await asyncbank.behave({})
})

test('P15: the same references at both PSPs are different money, and nothing collides', async () => {
  await asyncbank.behave({})
  await it.behave({ by_account: { silent: 'hang' } })
  const atBank = await it.pay()
  const usual = fundsReserved('silent')
  await it.reserve([usual])
  await eventually(async () => (await it.requests(usual.payment_id)) === 1)
  const same = { gateway_transaction_id: atBank.itsId }
  const postMain = (members: Record<string, unknown>) => post(it.service.url, members)
  // The transaction of a payment: the other PSP has named one of its own like that.
  await postMain(about(usual, 'approved', { ...same, event_id: `${atBank.itsId}:settled` }))
  const completed = await it.final(usual.payment_id)
  assert.ok(completed.event_type === 'payment.completed' && completed.psp === 'main')
  assert.deepEqual(await it.facts(usual.payment_id), [])

  // A payment of the one PSP is not one of the other, even if it is named by our id of it.
  const stranger = about(atBank.payment, 'failed', { reason_code: 'declined_by_bank' })
  await postMain(stranger)
  const { rows } = await eventually(async () => {
    const found = await it.db.query<{ state: string; payment_id: string | null }>(
      `SELECT state, payment_id FROM callback_facts
       WHERE psp = 'main' AND key = $1 AND state <> 'RECEIVED'`,
      [stranger['event_id']],
    )
    return found.rows.length > 0 && found
  })
  assert.deepEqual(rows, [{ state: 'PARKED', payment_id: null }])
  assert.deepEqual(await it.facts(atBank.payment.payment_id), [])

  // A refund from the console and a return, each with one id at both.
  const [refundId, returnId] = [newId(), newId()]
  const refund = { type: 'refund.approved', gateway_refund_id: refundId, amount: '1.00' }
  await postMain(about(usual, 'approved', refund))
  const returned = { type: 'payment.returned', gateway_return_id: returnId, amount: '2.00' }
  await postMain(about(usual, 'returned', returned))
  const orig = { orig: atBank.itsId, ref: hexOf(newId()) }
  await it.post([
    itemOf(atBank, 'settled', { ...orig, id: refundId, kind: 'refund', amount: '300' }),
    itemOf(atBank, 'settled', { ...orig, id: returnId, kind: 'return', amount: '400' }),
  ])
  const moneyOf = (payment: FundsReserved) =>
    eventually(async () => {
      const events = await it.facts(payment.payment_id)
      return events.length === 2 && events.map((event) => 'amount' in event && event.amount)
    })
  assert.deepEqual(new Set(await moneyOf(usual)), new Set(['1.00', '2.00']))
  assert.deepEqual(new Set(await moneyOf(atBank.payment)), new Set(['3.00', '4.00']))
})

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import { factIdOf, newId, returnIdOf } from '@caudal/contracts/ids.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import pg from 'pg'
import { storiesOf } from './callback-stories-of.ts'
import { about, callbackWorld } from './callback-world.ts'
import { fileScope } from './world.ts'

const it = await callbackWorld(fileScope(after))
const { transactionOf } = storiesOf(it)

/** A report of a return, with an id of its own. */
function report(payment: FundsReserved, id: string, more: Record<string, unknown>) {
  return about(payment, 'returned', {
    type: 'payment.returned',
    gateway_return_id: id,
    amount: '6.00',
    reason_code: 'AC04',
    ...more,
  })
}

/** Posts a report and waits until it is not waiting any more. */
async function settled(members: Record<string, unknown>) {
  assert.equal((await it.post(members)).status, 202)
  const [fact] = await it.settled(String(members['event_id']))
  return [fact?.state, fact?.cause]
}

const ORDERS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const

test('P15: reports of one return under several keys, in any order, are one return', async () => {
  for (const order of ORDERS) {
    const payment = await it.pay()
    const id = `r-${randomUUID()}`
    const transaction = await transactionOf(payment)
    const reports = [
      // By our id of the payment, by that of the PSP, and by both with another reason.
      report(payment, id, { gateway_transaction_id: undefined }),
      report(payment, id, { payment_id: undefined, gateway_transaction_id: transaction }),
      report(payment, id, { gateway_transaction_id: transaction, reason_code: 'MS03' }),
    ]
    const states = []
    for (const index of order) states.push(await settled(reports[index]!))
    const unchanged = ['NO_CHANGE', null]
    assert.deepEqual(states, [['APPLIED', null], unchanged, unchanged], order.join())
    const events = await eventually(async () => {
      const found = await it.facts(returnIdOf('main', id))
      return found.length > 0 && found
    })
    assert.equal(events.length, 1)
    assert.ok(events[0]?.event_type === 'return.received')
    assert.equal(events[0].payment?.payment_id, payment.payment_id)
  }
})

test('P15: reports of one return that arrive together are one return', async () => {
  const payment = await it.pay()
  const id = `r-${randomUUID()}`
  const reports = Array.from({ length: 20 }, () => report(payment, id, {}))
  const states = await Promise.all(reports.map(settled))
  assert.equal(states.filter(([state]) => state === 'APPLIED').length, 1)
  assert.equal(states.filter(([state]) => state === 'NO_CHANGE').length, 19)
  assert.equal((await it.facts(returnIdOf('main', id))).length, 1)
})

test('P15: a later report of a return with another amount is a contradiction', async () => {
  const payment = await it.pay()
  const id = `r-${randomUUID()}`
  assert.deepEqual(await settled(report(payment, id, {})), ['APPLIED', null])
  const more = report(payment, id, { amount: '6.01' })
  assert.deepEqual(await settled(more), ['CONTRADICTION', 'amount_mismatch'])
  const amounts = await eventually(async () => {
    const found = await it.facts(returnIdOf('main', id))
    return found.length === 2 && found.map((event) => 'amount' in event && event.amount)
  })
  assert.deepEqual(amounts, ['6.00', '6.01'], 'the second one opens a case at payments')
})

test('P15: reports of a return of no known payment are one return', async () => {
  const payment = await it.pay()
  const id = `r-${randomUUID()}`
  const unknown = { payment_id: newId(), gateway_transaction_id: undefined }
  assert.deepEqual(await settled(report(payment, id, unknown)), ['APPLIED', 'payment_unknown'])
  assert.deepEqual(await settled(report(payment, id, unknown)), ['NO_CHANGE', null])
  assert.equal((await it.facts(returnIdOf('main', id))).length, 1)
})

test('E1: a return long after the last status query of its payment is still found', async () => {
  const payment = await it.pay()
  const owner = new pg.Client({ connectionString: it.adminUrl })
  await owner.connect()
  await owner.query(
    `UPDATE payments SET created_at = created_at - interval '5 years',
       finished_at = finished_at - interval '5 years'
     WHERE payment_id = $1`,
    [payment.payment_id],
  )
  await owner.end()
  const body = { payment_id: payment.payment_id, amount: '10.00', reason: 'AC04' }
  await it.console('/admin/returns', body)
  const returned = await eventually(async () => {
    const events = await it.facts(payment.payment_id)
    return events.find((event) => event.event_type === 'return.received')
  })
  assert.deepEqual([returned.amount, returned.payment?.user_id], ['10.00', payment.user_id])
})

test('P15: a return with charges larger than its amount is a case and no return, of any payment', async () => {
  const payment = await it.pay()
  const [ofPayment, ofNone] = [`r-${randomUUID()}`, `r-${randomUUID()}`]
  const charges = '6.01'
  const unknown = { ...payment, payment_id: newId() }
  assert.deepEqual(await settled(report(payment, ofPayment, { charges })), [
    'CONTRADICTION',
    'amount_mismatch',
  ])
  const alone = report(unknown, ofNone, { charges, gateway_transaction_id: undefined })
  assert.deepEqual(await settled(alone), ['CONTRADICTION', 'amount_mismatch'])
  const subject = factIdOf('main', 'main', String(alone['event_id']))
  for (const id of [payment.payment_id, subject]) {
    const [event, ...others] = await eventually(async () => {
      const found = await it.facts(id)
      return found.length > 0 && found
    })
    assert.ok(event?.event_type === 'psp.contradicted')
    assert.deepEqual([event.contradiction, event.amount], ['amount_mismatch', '6.00'])
    assert.deepEqual(others, [])
  }
  for (const id of [ofPayment, ofNone]) {
    assert.deepEqual(await it.facts(returnIdOf('main', id)), [])
  }
})

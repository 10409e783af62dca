import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { listPspSteps } from '../src/store/list-psp-steps.ts'
import { statesOf, storiesOf, typesOf } from './callback-stories-of.ts'
import { about, callbackWorld } from './callback-world.ts'
import { fileScope, refundRequested } from './world.ts'

// Long enough for answers that are slow on purpose.
const it = await callbackWorld(fileScope(after), { CAUDAL_PSP_TIMEOUT: '8s' })
const { fact, refunded, sending, transactionOf } = storiesOf(it)

test('P15: a callback before our own HTTP answer completes the payment by its SENDING row', async () => {
  await it.behave({ by_account: { late: 'slow:700', before: 'callback_before_answer' } })
  const late = await sending('late')
  const completed = await it.final(late.payment_id)
  assert.equal(completed.event_type, 'payment.completed')
  const [applied] = await it.settled(late.payment_id)
  assert.deepEqual([applied?.state, applied?.payment_id], ['APPLIED', late.payment_id])
  await eventually(async () => {
    const { rows } = await it.db.query<{ status: string }>(
      'SELECT status FROM attempts WHERE payment_id = $1',
      [late.payment_id],
    )
    assert.deepEqual(rows, [{ status: 'APPROVED' }], 'the answer is kept too')
    return rows
  })
  const before = await it.pay('before')
  await it.settled(before.payment_id)
  for (const { payment_id: id } of [late, before]) {
    assert.deepEqual(typesOf(await it.resultsOf(id)), ['payment.completed'])
    assert.deepEqual(await it.facts(id), [])
  }
})

test('P15: a duplicate callback changes nothing, under its own key and under another', async () => {
  await it.behave({ by_account: { twice: 'callback_twice' } })
  const payment = await it.pay('twice')
  await it.settled(payment.payment_id)
  const transaction = { gateway_transaction_id: await transactionOf(payment) }
  await it.post(about(payment, 'approved', transaction))
  const facts = await it.settled(payment.payment_id, 2)
  assert.equal(facts.length, 2)
  assert.equal(facts[1]?.state, 'NO_CHANGE')
  assert.deepEqual(typesOf(await it.resultsOf(payment.payment_id)), ['payment.completed'])
})

test('P15: pending after success changes nothing', async () => {
  const payment = await it.pay()
  const pending = about(payment, 'pending')
  await it.post(pending)
  assert.deepEqual(statesOf(await it.settled(String(pending['event_id']))), ['NO_CHANGE'])
  assert.deepEqual(await it.facts(payment.payment_id), [])
})

test('P15: failure after success keeps the state and opens a case', async () => {
  await it.behave({ by_account: { liar: 'contradict' } })
  const payment = await it.pay('liar')
  await it.post(about(payment, 'failed', { reason_code: 'declined_by_bank' }))
  const contradicted = await eventually(async () => {
    const events = await it.facts(payment.payment_id)
    assert.ok(events.length >= 1)
    return events[0]
  })
  assert(contradicted?.event_type === 'psp.contradicted')
  assert.equal(contradicted.contradiction, 'failure_after_success')
  assert.deepEqual(contradicted.subject, { type: 'payment', id: payment.payment_id })
  const { payment_id, user_id } = payment
  assert.deepEqual(contradicted.payment, { payment_id, user_id })
  assert.equal(contradicted.account_id, payment.account_id)
  const { rows } = await it.db.query<{ status: string }>(
    'SELECT status FROM payments WHERE payment_id = $1',
    [payment.payment_id],
  )
  assert.deepEqual(rows, [{ status: 'COMPLETED' }])
})

test('P15: success after FAILED is emitted once and never dropped, and can be refunded', async () => {
  await it.deliver(null)
  // The status query confirms the failure that the callback states, and the answer comes later.
  await it.behave({ by_account: { slowly: 'slow:700' }, by_operation: { query: 'contradict' } })
  const payment = await sending('slowly')
  await it.post(about(payment, 'failed', { reason_code: 'declined_by_bank' }))
  const failed = await it.final(payment.payment_id)
  assert.equal(failed.event_type, 'payment.failed.gateway_error')
  // The answer of the PSP that arrives afterwards takes the same door as a callback.
  const late = await fact(payment.payment_id, 'payment.captured_late')
  const transaction = { gateway_transaction_id: await transactionOf(payment) }
  assert.equal(late.gateway_response.gateway_transaction_id, transaction.gateway_transaction_id)
  assert.deepEqual([late.psp, late.amount, late.currency], ['main', '10.00', 'USD'])
  await it.post(about(payment, 'approved', transaction))
  const [, approved] = await it.settled(payment.payment_id, 2)
  assert.equal(approved?.state, 'NO_CHANGE')
  await fact(payment.payment_id, 'payment.captured_late')
  const refund = refundRequested(payment, '10.00')
  await it.refund([refund])
  assert.deepEqual(typesOf(await refunded(refund)), ['refund.submitted', 'refund.succeeded'])
  await it.deliver(it.service.url)
})

test('P15: a callback that reports the success of a FAILED payment is emitted with its id', async () => {
  await it.behave({ by_account: { declined: 'decline' } })
  const payment = await it.pay('declined')
  await it.post(about(payment, 'approved', { gateway_transaction_id: 'late-1' }))
  const late = await fact(payment.payment_id, 'payment.captured_late')
  assert.equal(late.gateway_response.gateway_transaction_id, 'late-1')
  const { rows } = await it.db.query(
    `SELECT payment_id FROM psp_transactions WHERE gateway_transaction_id = 'late-1'`,
  )
  assert.deepEqual(rows, [{ payment_id: payment.payment_id }])
  const stolen = await sending('declined')
  await it.final(stolen.payment_id)
  await it.post(about(stolen, 'approved', { gateway_transaction_id: 'late-1' }))
  const refused = await fact(stolen.payment_id, 'psp.contradicted')
  assert.equal(refused.contradiction, 'operation_unknown')
})

test('P15: another amount or currency is not applied and opens a case', async () => {
  await it.behave({ by_account: { hangs: 'hang', lies: 'callback_wrong_amount' } })
  const payment = await sending('hangs')
  await it.post(about(payment, 'approved', { amount: '10.01' }))
  await it.post(about(payment, 'approved', { currency: 'EUR' }))
  const facts = await it.settled(payment.payment_id, 2)
  assert.deepEqual(
    facts.map(({ state, cause }) => [state, cause]),
    [
      ['CONTRADICTION', 'amount_mismatch'],
      ['CONTRADICTION', 'currency_mismatch'],
    ],
  )
  const events = await eventually(async () => {
    const found = (await it.facts(payment.payment_id)) as { contradiction?: string }[]
    assert.equal(found.length, 2)
    return found
  })
  const contradictions = events.map(({ contradiction }) => contradiction)
  assert.deepEqual(contradictions, ['amount_mismatch', 'currency_mismatch'])
  assert.ok(!typesOf(await it.resultsOf(payment.payment_id)).includes('payment.completed'))
  const lied = await it.pay('lies')
  const wrong = await fact(lied.payment_id, 'psp.contradicted')
  assert.deepEqual([wrong.contradiction, wrong.amount], ['amount_mismatch', '0.01'])
})

test('P15: an operation whose callback never comes is resolved by the status query', async () => {
  await it.behave({ by_account: { silent: 'callback_never' } })
  const silent = await it.pay('silent')
  await it.deliver(null)
  await it.behave({ by_account: { lost: 'apply_then_reset' } })
  const lost = await it.pay('lost')
  for (const { payment_id: id } of [silent, lost]) {
    assert.equal((await it.final(id)).event_type, 'payment.completed')
    assert.deepEqual(await it.stored(id), [])
  }
  await it.deliver(it.service.url)
})

test("P15: a callback without our id is matched by the PSP's", async () => {
  const payment = await it.pay()
  const transaction = { gateway_transaction_id: await transactionOf(payment) }
  const members = about(payment, 'approved', { ...transaction, payment_id: undefined })
  await it.post(members)
  const [fact] = await it.settled(String(members['event_id']))
  assert.deepEqual([fact?.state, fact?.payment_id], ['NO_CHANGE', payment.payment_id])
  const unknown = about(payment, 'approved', { payment_id: newId() })
  await it.post(unknown)
  const [parked] = await it.settled(String(unknown['event_id']))
  assert.deepEqual([parked?.state, parked?.cause], ['PARKED', 'operation_unknown'])
})

test('the steps of a payment have the facts of its callbacks', async () => {
  await it.behave({})
  const payment = await it.pay()
  await it.settled(payment.payment_id)
  const named = { tenantId: 'caudal', paymentId: payment.payment_id }
  const steps = await listPspSteps(it.db, named)
  const callback = steps.find(({ step }) => step === 'psp.callback')
  assert.match(callback?.detail ?? '', /^pay approved, (applied|no_change)$/)
})

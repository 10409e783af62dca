import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import type { RefundRequested } from '@caudal/contracts/events/refunds.ts'
import { foundRefundIdOf, newId, returnIdOf, reversalIdOf } from '@caudal/contracts/ids.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { listPspSteps } from '../src/store/list-psp-steps.ts'
import { call } from './call.ts'
import { about, callbackWorld, type PspFact } from './callback-world.ts'
import { fileScope, fundsReserved, refundRequested, type RefundResult } from './world.ts'

const it = await callbackWorld(fileScope(after))

const typesOf = (events: readonly { event_type: string }[]): string[] =>
  events.map(({ event_type: type }) => type)
const statesOf = (facts: readonly { state: string }[]): string[] => facts.map(({ state }) => state)

/** Waits for a fact about the id; `match` selects it. */
function fact<T extends PspFact['event_type']>(id: string, type: T) {
  return eventually(async () => {
    const found = (await it.facts(id)).filter((event) => event.event_type === type)
    assert.equal(found.length, 1, JSON.stringify(found))
    return found[0] as Extract<PspFact, { event_type: T }>
  })
}

async function refunded(refund: RefundRequested, end = /succeeded|failed|reversed/) {
  return eventually(async () => {
    const events = await it.refundResults(refund.refund_id)
    assert.match(events.at(-1)?.event_type ?? '', end)
    return events
  })
}

async function transactionOf({ payment_id: id }: FundsReserved): Promise<string> {
  const { json } = await call(`${it.pspUrl}/admin/charges?payment_id=${id}`)
  const [charge] = json()['data'] as { gateway_transaction_id: string }[]
  assert.ok(charge)
  return charge.gateway_transaction_id
}

async function behaveFor(operation: string, behaviour: string): Promise<void> {
  const body = { default: 'approve', by_operation: { [operation]: behaviour } }
  const { status } = await call(`${it.pspUrl}/admin/behaviour`, { method: 'PUT', body })
  assert.equal(status, 200)
}

/** Reserves a payment and waits until its first attempt is SENDING. */
async function sending(account: string): Promise<FundsReserved> {
  const event = fundsReserved(account)
  await it.reserve([event])
  await eventually(async () => (await it.requests(event.payment_id)) === 1)
  return event
}

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
  await it.behave({ by_account: { slowly: 'slow:700' } })
  const payment = await sending('slowly')
  await it.post(about(payment, 'failed', { reason_code: 'declined_by_bank' }))
  const failed = await it.final(payment.payment_id)
  assert.equal(failed.event_type, 'payment.failed.gateway_error')
  assert(failed.event_type === 'payment.failed.gateway_error')
  assert.equal(failed.decline_code, 'declined_by_bank')
  // The answer of the PSP that arrives afterwards takes the same door as a callback.
  const late = await fact(payment.payment_id, 'payment.captured_late')
  const transaction = { gateway_transaction_id: await transactionOf(payment) }
  assert.equal(late.gateway_response.gateway_transaction_id, transaction.gateway_transaction_id)
  assert.deepEqual([late.psp, late.amount, late.currency], ['main', '10.00', 'USD'])
  await it.post(about(payment, 'approved', transaction))
  const facts = await it.settled(payment.payment_id, 2)
  assert.deepEqual(statesOf(facts), ['APPLIED', 'NO_CHANGE'])
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

test('P12: a refund from the console of the PSP is adopted once, and so is its reversal', async () => {
  const payment = await it.pay()
  await it.settled(payment.payment_id)
  const body = { payment_id: payment.payment_id, amount: '3.00' }
  await it.console('/admin/refunds', body)
  const [made] = await listed('refunds', payment)
  const facts = await it.settled(payment.payment_id, 2)
  assert.equal(facts.at(-1)?.state, 'APPLIED')
  const found = await fact(payment.payment_id, 'refund.found')
  const refundId = foundRefundIdOf('main', String(made?.['refund_id']))
  assert.deepEqual([found.refund_id, found.amount, found.psp], [refundId, '3.00', 'main'])
  assert.equal(found.gateway_response.gateway_transaction_id, made?.['refund_id'])
  const refund = { amount: '3.00', gateway_refund_id: made?.['refund_id'] }
  const again = about(payment, 'approved', { type: 'refund.approved', ...refund })
  await it.post(again)
  assert.deepEqual(statesOf(await it.settled(String(again['event_id']))), ['NO_CHANGE'])
  await it.post(about(payment, 'reversed', { type: 'refund.reversed', ...refund }))
  await eventually(async () => {
    const types = typesOf(await it.refundResults(refundId))
    assert.deepEqual(types, ['refund.reversed'])
    return types
  })
  assert.deepEqual(typesOf(await it.facts(payment.payment_id)), ['refund.found'])
})

async function listed(what: string, { payment_id: id }: FundsReserved) {
  const { json } = await call(`${it.pspUrl}/admin/${what}?payment_id=${id}`)
  return json()['data'] as Record<string, unknown>[]
}

test('P12: a refund that the PSP takes back after success is reversed once and can be repeated', async () => {
  await behaveFor('refund', 'reverse_after_success')
  const payment = await it.pay()
  const refund = refundRequested(payment, '4.00')
  await it.refund([refund])
  const events = await refunded(refund, /reversed/)
  assert.deepEqual(typesOf(events), ['refund.submitted', 'refund.succeeded', 'refund.reversed'])
  await it.behave({})
  const rest = refundRequested(payment, '10.00')
  await it.refund([rest])
  const ends = await refunded(rest)
  assert.equal(ends.at(-1)?.event_type, 'refund.succeeded', 'all of it is refundable again')
})

test('P12: a refund that had FAILED or was canceled and succeeds is found under its own id', async () => {
  await behaveFor('refund', 'decline')
  const payment = await it.pay()
  const refund = refundRequested(payment, '4.00')
  await it.refund([refund])
  assert.equal((await refunded(refund)).at(-1)?.event_type, 'refund.failed')
  const members = about(payment, 'approved', { type: 'refund.approved', amount: '4.00' })
  const bank = `r-${refund.refund_id}`
  await it.post({ ...members, refund_id: refund.refund_id, gateway_refund_id: bank })
  const found = await fact(payment.payment_id, 'refund.found')
  assert.deepEqual([found.refund_id, found.amount], [refund.refund_id, '4.00'])
  assert.deepEqual(found.gateway_response, {
    status: 'approved',
    gateway_transaction_id: bank,
  })
  await it.behave({})
})

test('P12: a callback before the answer of a refund ends it once', async () => {
  await it.behave({})
  const payment = await it.pay()
  await behaveFor('refund', 'slow:600')
  const refund = refundRequested(payment, '4.00')
  await it.refund([refund])
  const events: RefundResult[] = await refunded(refund)
  assert.deepEqual(typesOf(events), ['refund.submitted', 'refund.succeeded'])
  const facts = await it.settled(payment.payment_id, 2)
  assert.equal(facts.at(-1)?.state, 'APPLIED')
  assert.deepEqual(await it.facts(payment.payment_id), [])
  await it.behave({})
})

test('P12: a refund callback without our id waits for the refund that is under way', async () => {
  await it.deliver(null)
  await it.behave({})
  const payment = await it.pay()
  await behaveFor('refund', 'slow:700')
  const refund = refundRequested(payment, '4.00')
  await it.refund([refund])
  const [made] = await eventually(async () => {
    const refunds = await listed('refunds', payment)
    assert.equal(refunds.length, 1)
    return refunds
  })
  const { rows } = await it.db.query<{ id: string }>(
    'SELECT operation_id AS id FROM operations WHERE payment_id = $1',
    [payment.payment_id],
  )
  assert.equal(rows[0]?.id, made?.['refund_id'])
  const bank = await eventually(async () => {
    const { json } = await call(`${it.pspUrl}/v1/refunds/${refund.refund_id}`)
    return String(json()['gateway_refund_id'])
  })
  const members = about(payment, 'approved', { type: 'refund.approved', amount: '4.00' })
  await it.post({ ...members, gateway_refund_id: bank })
  assert.equal((await refunded(refund)).at(-1)?.event_type, 'refund.succeeded')
  assert.deepEqual(statesOf(await it.settled(payment.payment_id)), ['NO_CHANGE'])
  assert.deepEqual(await it.facts(payment.payment_id), [])
  await it.behave({})
  await it.deliver(it.service.url)
})

test('E1: a payment that the PSP reverses after success comes back as a return', async () => {
  await it.behave({ by_account: { reversed: 'reverse_after_success' } })
  const payment = await it.pay('reversed')
  const returned = await fact(payment.payment_id, 'return.received')
  const transaction = await transactionOf(payment).catch(() => returned.reference)
  assert.deepEqual(
    [returned.return_id, returned.reference, returned.reason_code, returned.amount],
    [reversalIdOf('main', transaction), transaction, 'payment_reversed', '10.00'],
  )
  assert.equal(returned.payment?.payment_id, payment.payment_id)
})

test('E1: a return is emitted with the reason of the bank and its code', async () => {
  await it.behave({})
  const payment = await it.pay()
  await it.console('/admin/returns', {
    payment_id: payment.payment_id,
    amount: '9.00',
    reason: 'AC04',
  })
  const returned = await fact(payment.payment_id, 'return.received')
  const { payment_id, user_id } = payment
  assert.deepEqual(returned.payment, { payment_id, user_id })
  assert.deepEqual(
    [returned.amount, returned.reason, returned.reason_code, returned.account_id],
    ['9.00', 'AC04', 'account_closed', payment.account_id],
  )
  assert.equal(returned.return_id, returnIdOf('main', returned.reference))
})

test('E1: a return of an unknown payment is emitted for the tenant of the account', async () => {
  const unknown = fundsReserved()
  const returned = { type: 'payment.returned', reason_code: 'XX99', gateway_return_id: 'b-77' }
  for (const [account, secret, tenant] of [
    ['main', 'secret-of-main', 'caudal'],
    ['shop', 'secret-of-the-shop', 'shops'],
  ] as const) {
    const bank = { gateway_return_id: `b-${account}` }
    await it.post(about(unknown, 'returned', { ...returned, ...bank }), { account, secret })
    const event = await fact(returnIdOf('main', `b-${account}`), 'return.received')
    assert.equal(event.payment, undefined)
    assert.deepEqual(
      [event.account_id, event.tenant_id, event.reason, event.reason_code],
      [event.return_id, tenant, 'XX99', 'other'],
    )
  }
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

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { disputeIdOf, newId, returnIdOf } from '@caudal/contracts/ids.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { CallbackFact } from '../src/domain/callback-fact.ts'
import { storeCallbacks } from '../src/store/store-callbacks.ts'
import type { PspFact } from './callback-world.ts'
import { startAsyncbank } from './start-asyncbank.ts'
import { fileScope, fundsReserved, readResults, world } from './world.ts'

const scope = fileScope(after)
const asyncbank = await startAsyncbank(scope)
const it = await world(scope, {
  CAUDAL_PSPS: 'asyncbank',
  ...asyncbank.env,
  CAUDAL_PSP_ASYNCBANK_CALLBACK_SECRETS: await asyncbank.callBack(null),
  CAUDAL_PSP_ROUTES: '[{"psps":["asyncbank"]}]',
  // Neither a query nor a repeat comes by itself.
  CAUDAL_PSP_FIRST_QUERY: '60s',
  CAUDAL_PSP_QUERY_MAX: '60s',
})
await it.start()

/** Stores facts as an instance does that dies before it applies them. Returns the first key. */
async function store(...given: Partial<CallbackFact>[]): Promise<string> {
  const ids = { ourId: null, itsId: null, paymentId: null, paymentItsId: null }
  const terms = { amountMinor: 1_000n, currency: 'USD', reasonCode: null }
  const facts = given.map((fact): CallbackFact => {
    return { key: newId(), kind: 'pay', ...ids, state: 'approved', ...terms, ...fact }
  })
  const about = { callbackId: newId(), psp: 'asyncbank', account: 'main' }
  const body = Buffer.from('{}')
  await storeCallbacks(it.db, [{ ...about, body, isMasked: false, signedAt: null, facts }])
  return facts[0]!.key
}

async function stateOf(key: string) {
  const { rows } = await it.db.query<{ state: string; cause: string | null; tries: number }>(
    'SELECT state, cause, tries FROM callback_facts WHERE key = $1',
    [key],
  )
  return rows[0]!
}

/** Lets a waiting fact be as old as this, and waits for its next try. */
async function retriedAfter(key: string, tries: number): Promise<void> {
  await it.db.query(
    `UPDATE callback_facts SET tries = $2, due_at = statement_timestamp()
     WHERE key = $1 AND state = 'RECEIVED'`,
    [key, tries],
  )
  await eventually(async () => {
    const { state, tries: now } = await stateOf(key)
    return state !== 'RECEIVED' || now > tries
  })
}

async function eventsAbout(id: string): Promise<PspFact[]> {
  const all = await readResults<PspFact>(it.log, TOPICS.pspFacts)
  return all.filter((event) => JSON.stringify(event).includes(`"${id}"`))
}

/** A payment that the bank charged and whose answer was lost, with the bank's id of it. */
async function lostPayment() {
  await asyncbank.behave({ by_account: { lost: 'apply_then_reset' } })
  const payment = fundsReserved('lost')
  await it.reserve([payment])
  await eventually(async () => (await it.resultsOf(payment.payment_id)).length === 1)
  const [charge] = await asyncbank.list('charges', payment.payment_id)
  await asyncbank.behave({})
  return { payment, itsId: String(charge?.['gateway_transaction_id'] ?? charge?.['id']) }
}

test('a return that names its payment by an id which is not known yet waits for it', async () => {
  const { payment, itsId } = await lostPayment()
  const returned = { kind: 'return', state: 'returned', itsId: newId() } as const
  const key = await store({ ...returned, paymentItsId: itsId, reasonCode: 'AC04' })
  await retriedAfter(key, 100)
  assert.deepEqual(await stateOf(key), {
    state: 'RECEIVED',
    cause: 'operation_unknown',
    tries: 101,
  })
  await store({ ourId: payment.payment_id, itsId })
  assert.equal((await it.final(payment.payment_id)).event_type, 'payment.completed')
  const [event, ...others] = await eventually(async () => {
    const events = await eventsAbout(returnIdOf('asyncbank', returned.itsId))
    return events.length > 0 && events
  })
  assert.ok(event?.event_type === 'return.received')
  assert.equal(event.payment?.payment_id, payment.payment_id)
  assert.deepEqual(others, [])
})

test('a return that was emitted without its payment is emitted with it once that is named', async () => {
  const { payment, itsId } = await lostPayment()
  const returned = { kind: 'return', state: 'returned', itsId: newId() } as const
  const key = await store({ ...returned, paymentItsId: itsId })
  await retriedAfter(key, 2_000)
  assert.deepEqual((await stateOf(key)).cause, 'payment_unknown')
  await store({ ourId: payment.payment_id, itsId })
  const payments = await eventually(async () => {
    const events = await eventsAbout(returnIdOf('asyncbank', returned.itsId))
    return (
      events.length === 2 &&
      events.map((event) => event.event_type === 'return.received' && event.payment?.payment_id)
    )
  })
  // They are in two partitions, so in any order.
  assert.deepEqual(new Set(payments), new Set([undefined, payment.payment_id]))
})

test('a dispute that names its payment by an id which is not known yet waits for it', async () => {
  const { payment, itsId } = await lostPayment()
  const dispute = { kind: 'dispute', itsId: newId(), paymentItsId: itsId } as const
  const keys = [
    await store({ ...dispute, state: 'opened' }),
    await store({ ...dispute, state: 'won' }),
  ]
  for (const key of keys) {
    await retriedAfter(key, 100)
    assert.equal((await stateOf(key)).cause, 'operation_unknown')
  }
  await store({ ourId: payment.payment_id, itsId })
  const events = await eventually(async () => {
    const emitted = await eventsAbout(disputeIdOf('asyncbank', dispute.itsId))
    return emitted.length === 2 && emitted
  })
  for (const event of events) {
    assert.ok(event.event_type === 'dispute.opened' || event.event_type === 'dispute.closed')
    assert.equal(event.payment?.payment_id, payment.payment_id)
  }
})

test('a return of a payment that nothing here can be is emitted without one', async () => {
  const { itsId } = await lostPayment()
  const more = { amountMinor: 1_001n, paymentItsId: itsId }
  const key = await store({ kind: 'return', state: 'returned', itsId: newId(), ...more })
  await retriedAfter(key, 100)
  assert.equal((await stateOf(key)).cause, 'payment_unknown')
})

test('a callback that what failed has succeeded is asked about, and the answer is late truth', async () => {
  const { payment, itsId } = await lostPayment()
  await it.db.query(
    `UPDATE payments SET status = 'FAILED', step = NULL, due_at = NULL,
       reason = 'gateway_declined', finished_at = statement_timestamp()
     WHERE payment_id = $1`,
    [payment.payment_id],
  )
  const key = await store({ ourId: payment.payment_id, itsId })
  const [late, ...others] = await eventually(async () => {
    const events = await eventsAbout(payment.payment_id)
    return events.length > 0 && events
  })
  assert.ok(late?.event_type === 'payment.captured_late')
  assert.equal(late.gateway_response.gateway_transaction_id, itsId)
  assert.deepEqual(others, [])
  await eventually(async () => (await stateOf(key)).state === 'NO_CHANGE')
  const made = newId()
  const untrue = await store({ ourId: payment.payment_id, itsId: made, state: 'failed' })
  await eventually(async () => (await stateOf(untrue)).state === 'CONTRADICTION')
})

test('P15: a success that the PSP denies when it is asked is a case at once', async () => {
  await asyncbank.behave({ by_account: { declined: 'decline' } })
  const payment = fundsReserved('declined')
  await it.reserve([payment])
  const itsId = await eventually(() => idAtPsp(payment.payment_id))
  const key = await store({ ourId: payment.payment_id, itsId })
  assert.equal((await it.final(payment.payment_id)).event_type, 'payment.failed.gateway_error')
  await eventually(async () => (await stateOf(key)).state === 'CONTRADICTION')
  const events = await eventsAbout(payment.payment_id)
  assert.deepEqual(
    events.map((event) => event.event_type === 'psp.contradicted' && event.contradiction),
    ['success_after_failure'],
  )
})

async function idAtPsp(paymentId: string): Promise<string | undefined> {
  const { rows } = await it.db.query<{ id: string }>(
    `SELECT gateway_response->>'gateway_transaction_id' AS id FROM payments WHERE payment_id = $1`,
    [paymentId],
  )
  return rows[0]?.id
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import type { PspCallResult, SentResult } from '../src/calls/call-psp.ts'
import { createObserver } from '../src/calls/observe.ts'
import { recordAnswers, type RecordAnswersDeps } from '../src/calls/record-answers.ts'
import { watchState } from '../src/calls/watch-state.ts'
import { readConfig } from '../src/config.ts'
import type { CallbackFact } from '../src/domain/callback-fact.ts'
import { decideDue } from '../src/domain/decide-due.ts'
import type { OperationFacts } from '../src/domain/operation-facts.ts'
import type { SendOutcome } from '../src/domain/outcome.ts'
import { newOperation } from '../src/domain/psp-operation.ts'
import { processorMigrations } from '../src/migrations.ts'
import { createSyncbankAdapter } from '../src/psp/syncbank-adapter.ts'
import { finishFacts } from '../src/store/finish-facts.ts'
import { PAYMENTS } from '../src/store/operation-tables.ts'
import { recordPayments } from '../src/store/record-payments.ts'
import { storeCallbacks } from '../src/store/store-callbacks.ts'
import { wakeLatelyUnknown } from '../src/store/wake-lately-unknown.ts'
import { newPaymentFacts } from './new-payment-facts.ts'

const { policy } = readConfig({}).psp
const adapter = createSyncbankAdapter({})
const observer = createObserver({
  logger: createLogger({ service: 'processor', level: 'silent' }),
  metrics: createMetrics('processor'),
})

function depsOf(db: Db): RecordAnswersDeps {
  const nothing = (): void => {}
  const callbacks = { observer, failover: null, wakeRelay: nothing, wakeIn: nothing }
  const common = { db, table: PAYMENTS, adapter, region: 'local', policy }
  return { ...common, jitter: () => 0.5, ...callbacks }
}

/** Payments whose first attempt is SENDING, as the consumer leaves them. */
async function sending(db: Db, count: number, psp = 'main'): Promise<Omit<SentResult, 'sent'>[]> {
  const { operation: state } = decideDue(newOperation(0), 'send', {
    now: 0,
    jitter: 0,
    policy,
    psp,
    capabilities: adapter.capabilities,
  })
  const payments = Array.from({ length: count }, () => ({
    facts: newPaymentFacts(),
    requestBody: Buffer.from('{}'),
    state,
  }))
  const { now: at } = await transaction(db, (tx) => recordPayments(tx, payments))
  const begun = { state, at, clock: performance.now() }
  return payments.map(({ facts }) => ({ kind: 'sent', facts, attempt: 1, begun }))
}

function answered(call: Omit<SentResult, 'sent'>, outcome: SendOutcome): SentResult {
  const facts = { httpStatus: 200, answerBody: Buffer.from('x'), latencyMs: 1, errorClass: null }
  return { ...call, sent: { outcome, facts } }
}

function approved(transactionId = newId()): Extract<SendOutcome, { kind: 'approved' }> {
  const response = { status: 'approved', gateway_transaction_id: transactionId }
  return { kind: 'approved', response }
}
function foundApproved(facts: OperationFacts, transactionId?: string): PspCallResult {
  const answer = approved(transactionId)
  const call = { httpStatus: 200, answerBody: null, latencyMs: 1, errorClass: null }
  return { kind: 'found', facts, query: 1, found: { answer, facts: call } }
}

const ambiguous: SendOutcome = { kind: 'ambiguous' }

async function stateOf(db: Db, result: PspCallResult) {
  const { rows } = await db.query<{ status: string; emitted: string[]; attempt: string }>(
    `SELECT p.status, a.status AS attempt, ARRAY(
       SELECT payload::json->>'event_type' FROM outbox
       WHERE payload::json->>'payment_id' = p.payment_id::text ORDER BY id) AS emitted
     FROM payments p JOIN attempts a ON a.payment_id = p.payment_id AND a.number = 1
     WHERE p.payment_id = $1`,
    [result.facts.paymentId],
  )
  return rows[0]
}

test('verdicts end their payments, and an answer that is recorded twice emits one event', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: processorMigrations, name: 'record' })
  const deps = depsOf(db)
  const calls = await sending(db, 3)
  const results = calls.map((call) => answered(call, approved()))
  await recordAnswers(deps, results)
  await recordAnswers(deps, results)
  for (const result of results) {
    assert.deepEqual(await stateOf(db, result), {
      status: 'COMPLETED',
      attempt: 'APPROVED',
      emitted: ['payment.completed'],
    })
  }
})

test('rule 1: a payment changed by another instance sends its whole batch to the general path', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: processorMigrations, name: 'record' })
  const deps = depsOf(db)
  const [taken, free] = await sending(db, 2)
  assert.ok(taken && free)
  // Taken over as lost; then its own sender still reports the PSP's verdict.
  await recordAnswers(deps, [answered(taken, ambiguous)])
  const results = [answered(taken, approved()), answered(free, approved())]
  await recordAnswers(deps, results)
  assert.deepEqual(await stateOf(db, results[0]!), {
    status: 'COMPLETED',
    attempt: 'APPROVED',
    emitted: ['payment.in_doubt', 'payment.completed'],
  })
  assert.deepEqual(await stateOf(db, results[1]!), {
    status: 'COMPLETED',
    attempt: 'APPROVED',
    emitted: ['payment.completed'],
  })
})

test('several results of one payment in one batch are folded in order', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: processorMigrations, name: 'record' })
  const deps = depsOf(db)
  const [call] = await sending(db, 1)
  assert.ok(call)
  const found = foundApproved(call.facts)
  await recordAnswers(deps, [answered(call, ambiguous), found])
  assert.deepEqual(await stateOf(db, found), {
    status: 'COMPLETED',
    attempt: 'UNKNOWN',
    emitted: ['payment.in_doubt', 'payment.completed'],
  })
})

test('a batch that fails half-way is repeated whole, and each answer emits one event', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: processorMigrations, name: 'record' })
  const deps = depsOf(db)
  const [call] = await sending(db, 1)
  assert.ok(call)
  const verdict = answered(call, approved('t-1'))
  const unrecorded = answered({ ...call, facts: newPaymentFacts() }, ambiguous)
  await assert.rejects(recordAnswers(deps, [verdict, unrecorded]), /is not recorded/)
  const once = { status: 'COMPLETED', attempt: 'APPROVED', emitted: ['payment.completed'] }
  assert.deepEqual(await stateOf(db, verdict), once, 'the verdicts were committed before')
  await recordAnswers(deps, [verdict])
  assert.deepEqual(await stateOf(db, verdict), once)
})

test('a second payment with the transaction id of a first one stays in doubt, and its answer is kept', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: processorMigrations, name: 'record' })
  const metrics = createMetrics('processor')
  const logger = createLogger({ service: 'processor', level: 'silent' })
  const deps = { ...depsOf(db), observer: createObserver({ logger, metrics }) }
  const [first, second, third] = await sending(db, 3)
  assert.ok(first && second && third)
  await recordAnswers(deps, [answered(first, approved('t-1'))])
  const results = [answered(second, approved('t-1')), answered(third, approved('t-3'))]
  await recordAnswers(deps, results)
  assert.deepEqual(await stateOf(db, results[0]!), {
    status: 'IN_DOUBT',
    attempt: 'UNKNOWN',
    emitted: ['payment.in_doubt'],
  })
  assert.equal((await stateOf(db, results[1]!))?.status, 'COMPLETED')
  const { rows } = await db.query(
    `SELECT error_class, convert_from(answer_body, 'utf8') AS body FROM attempts
     WHERE payment_id = $1`,
    [second.facts.paymentId],
  )
  assert.deepEqual(rows, [{ error_class: 'repeated_transaction_id', body: 'x' }])
  const alarm = /psp_answers_refused_total\{.*error_class="repeated_transaction_id".*\} 1$/m
  assert.match(await metrics.registry.metrics(), alarm)
  const found = foundApproved(second.facts, 't-1')
  await recordAnswers(deps, [found])
  assert.equal((await stateOf(db, found))?.status, 'IN_DOUBT', 'a status query believes no more')
})

test('of two payments that are approved together with one transaction id only one completes', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: processorMigrations, name: 'record' })
  const deps = depsOf(db)
  const calls = await sending(db, 2)
  await recordAnswers(
    deps,
    calls.map((call) => answered(call, approved('t-1'))),
  )
  const more = await sending(db, 2)
  await Promise.all(more.map((call) => recordAnswers(deps, [answered(call, approved('t-2'))])))
  for (const pair of [calls, more]) {
    const states = await Promise.all(pair.map((call) => stateOf(db, answered(call, approved()))))
    const ended = states.map((state) => state?.status ?? '').toSorted((a, b) => (a < b ? -1 : 1))
    assert.deepEqual(ended, ['COMPLETED', 'IN_DOUBT'])
  }
})

test('the first scrape after a doubt has the age of the oldest one', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: processorMigrations, name: 'record' })
  const metrics = createMetrics('processor')
  watchState({ db, metrics, psps: [] })
  const two = await sending(db, 2)
  for (const call of two) await recordAnswers(depsOf(db), [answered(call, approved('t-1'))])
  await db.query(
    `UPDATE payments SET in_doubt_at = now() - interval '1 hour' WHERE status = 'IN_DOUBT'`,
  )
  const shown = await metrics.text()
  assert.match(shown, /^psp_payments_in_doubt\{.*\} 1$/m)
  assert.match(shown, /^psp_payments_in_doubt_oldest_seconds\{.*\} 36\d\d(\.\d+)?$/m)
})

test('one transaction id may occur at two PSPs', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: processorMigrations, name: 'record' })
  const deps = depsOf(db)
  const here = await sending(db, 1)
  const there = await sending(db, 1, 'other')
  const results = [...here, ...there].map((call) => answered(call, approved('t-1')))
  await recordAnswers(deps, results)
  for (const result of results) assert.equal((await stateOf(db, result))?.status, 'COMPLETED')
})

test('an approval that contradicts a final state is emitted once, changes no status and raises an alarm', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: processorMigrations, name: 'record' })
  const metrics = createMetrics('processor')
  const logger = createLogger({ service: 'processor', level: 'silent' })
  const deps = { ...depsOf(db), observer: createObserver({ logger, metrics }) }
  const [paid, declined] = await sending(db, 2)
  assert.ok(paid && declined)
  const decline: SendOutcome = { kind: 'declined', response: { status: 'failed' } }
  await recordAnswers(deps, [answered(paid, approved('t-1')), answered(declined, decline)])
  const late = answered(declined, approved('t-3'))
  await recordAnswers(deps, [answered(paid, approved('t-2')), late])
  await recordAnswers(deps, [late, foundApproved(declined.facts, 't-3')])
  const ofPaid = await stateOf(db, answered(paid, decline))
  assert.deepEqual([ofPaid?.status, ofPaid?.emitted], ['COMPLETED', ['payment.completed']])
  const ofDeclined = await stateOf(db, answered(declined, decline))
  assert.deepEqual(
    [ofDeclined?.status, ofDeclined?.emitted],
    ['FAILED', ['payment.failed.gateway_error', 'payment.captured_late']],
  )
  const { rows: cases } = await db.query<{ contradiction: string; id: string }>(
    `SELECT payload::json->>'contradiction' AS contradiction,
       payload::json->'subject'->>'id' AS id
     FROM outbox WHERE payload::json->>'event_type' = 'psp.contradicted'`,
  )
  assert.deepEqual(cases, [{ contradiction: 'operation_unknown', id: paid.facts.paymentId }])
  const { rows: claims } = await db.query<{ payment_id: string }>(
    `SELECT payment_id FROM psp_transactions WHERE gateway_transaction_id = 't-3'`,
  )
  assert.deepEqual(claims, [{ payment_id: declined.facts.paymentId }])
  const shown = await metrics.registry.metrics()
  for (const errorClass of ['second_transaction_id', 'approved_after_failure']) {
    assert.match(shown, new RegExp(`refused_total\\{.*error_class="${errorClass}".*\\} 1$`, 'm'))
  }
})

test('an id that an answer brings makes facts due that were finished as unknown before', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: processorMigrations, name: 'wake' })
  const deps = depsOf(db)
  const [verdict, other, accepted, queried] = await sending(db, 4)
  assert.ok(verdict && other && accepted && queried)
  const ids = Array.from({ length: 4 }, () => newId())
  const [approval, pending, found, unrelated] = ids as [string, string, string, string]
  const keys = ids.map((id) => `about-${id}`)
  for (const [index, id] of ids.entries()) {
    const payment = index % 2 === 0
    const named = payment ? { paymentItsId: id } : { itsId: id }
    await addFact(db, keys[index]!, named, payment ? 'APPLIED' : 'PARKED')
  }
  await recordAnswers(deps, [answered(verdict, approved(approval)), answered(other, approved())])
  const response = { status: 'pending', gateway_transaction_id: pending }
  await recordAnswers(deps, [answered(accepted, { kind: 'pending', response })])
  await recordAnswers(deps, [answered(queried, ambiguous), foundApproved(queried.facts, found)])
  const { rows } = await db.query<{ key: string; state: string; callback: string }>(
    `SELECT f.key, f.state, c.state AS callback FROM callback_facts f
     JOIN callbacks c USING (callback_id) ORDER BY array_position($1::text[], f.key)`,
    [keys],
  )
  const due = (key: string | undefined) => ({ key, state: 'RECEIVED', callback: 'RECEIVED' })
  assert.deepEqual(rows, [
    ...keys.slice(0, 3).map(due),
    { key: `about-${unrelated}`, state: 'PARKED', callback: 'PARKED' },
  ])
  for (const call of [verdict, other]) {
    const stored = await stateOf(db, answered(call, ambiguous))
    assert.equal(stored?.status, 'COMPLETED')
  }
})

test('a fact that was finished while its id was being stored is due again, once', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: processorMigrations, name: 'wake' })
  const [call] = await sending(db, 1)
  assert.ok(call)
  const [known, unknown] = [newId(), newId()]
  await recordAnswers(depsOf(db), [answered(call, approved(known))])
  await addFact(db, 'missed', { paymentItsId: known }, 'APPLIED')
  await addFact(db, 'unknown', { paymentItsId: unknown }, 'APPLIED')
  assert.equal(await wakeLatelyUnknown(db), true)
  assert.equal(await wakeLatelyUnknown(db), false)
  const { rows } = await db.query(`SELECT key FROM callback_facts WHERE state = 'RECEIVED'`)
  assert.deepEqual(rows, [{ key: 'missed' }])
})

test('no transaction that stores ids waits for a fact that is being applied', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: processorMigrations, name: 'wake' })
  const [first, second] = await sending(db, 2)
  assert.ok(first && second)
  const [locked, free] = [newId(), newId()]
  await addFact(db, 'locked', { paymentItsId: locked }, 'APPLIED')
  await addFact(db, 'free', { paymentItsId: free }, 'APPLIED')
  const results = [answered(first, approved(locked)), answered(second, approved(free))]
  await transaction(db, async (tx) => {
    await tx.query(`SELECT FROM callback_facts WHERE key = 'locked' FOR UPDATE`)
    await recordAnswers(depsOf(db), results)
  })
  const waiting = `SELECT key FROM callback_facts WHERE state = 'RECEIVED' ORDER BY key`
  assert.deepEqual((await db.query(waiting)).rows, [{ key: 'free' }])
  assert.equal(await wakeLatelyUnknown(db), true)
  assert.deepEqual((await db.query(waiting)).rows, [{ key: 'free' }, { key: 'locked' }])
})

/** A fact about what was unknown, alone in its callback and finished. */
async function addFact(
  db: Db,
  key: string,
  named: { itsId: string } | { paymentItsId: string },
  state: 'APPLIED' | 'PARKED',
): Promise<void> {
  const isPayment = 'itsId' in named
  const fact: CallbackFact = {
    key,
    kind: isPayment ? 'pay' : 'return',
    ourId: null,
    itsId: newId(),
    paymentId: null,
    paymentItsId: null,
    state: isPayment ? 'approved' : 'returned',
    amountMinor: 1_000n,
    currency: 'USD',
    reasonCode: null,
    ...named,
  }
  const callback = { callbackId: newId(), psp: 'main', account: 'main', body: Buffer.from('{}') }
  await storeCallbacks(db, [{ ...callback, isMasked: false, signedAt: null, facts: [fact] }])
  const finished = { psp: 'main', account: 'main', key, callbackId: callback.callbackId, state }
  const cause = isPayment ? 'operation_unknown' : 'payment_unknown'
  await transaction(db, (tx) =>
    finishFacts(tx, [{ ...finished, cause, isAlone: true, paymentId: null }]),
  )
}

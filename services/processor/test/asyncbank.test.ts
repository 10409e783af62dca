import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { CaudalEvent } from '@caudal/contracts/catalogue.ts'
import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import type { PspContradicted } from '@caudal/contracts/events/psp-facts.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import pg from 'pg'
import { startAsyncbank } from './start-asyncbank.ts'
import { fileScope, fundsReserved, readResults, refundRequested, world } from './world.ts'

const scope = fileScope(after)
const asyncbank = await startAsyncbank(scope)
const it = await world(scope, {
  CAUDAL_PSPS: 'asyncbank',
  ...asyncbank.env,
  CAUDAL_PSP_ASYNCBANK_CALLBACK_SECRETS: await asyncbank.callBack(null),
  CAUDAL_PSP_ROUTES: '[{"psps":["asyncbank"]}]',
})
/** Neither a query nor a repeat comes before the callback. */
const PATIENT = { CAUDAL_PSP_FIRST_QUERY: '60s', CAUDAL_PSP_QUERY_MAX: '60s' }

async function requestsOf({ payment_id: id }: FundsReserved): Promise<number> {
  const { rows } = await it.db.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM attempts WHERE payment_id = $1',
    [id],
  )
  return rows[0]?.count ?? 0
}

async function contradictionsOf({ payment_id: id }: FundsReserved): Promise<PspContradicted[]> {
  const facts = await readResults<CaudalEvent>(it.log, TOPICS.pspFacts)
  return facts
    .filter((one) => one.event_type === 'psp.contradicted')
    .filter(({ subject }) => subject.id === id)
}

test('the verdict comes by a batch of callbacks, also where the answer was lost', async (t) => {
  const service = await it.start(PATIENT)
  t.after(() => service.stop())
  await asyncbank.callBack(`${service.url}/callbacks/asyncbank/main`)
  t.after(() => asyncbank.callBack(null))
  await asyncbank.behave({ by_account: { lost: 'apply_then_reset', refused: 'decline' } })
  const events = ['1234567890', 'lost', 'refused'].map((account) => fundsReserved(account))
  await it.reserve(events)
  const ends = await it.finals(events)
  const types = events.map(({ payment_id: id }) => ends.get(id)?.event_type)
  assert.deepEqual(types, [
    'payment.completed',
    'payment.completed',
    'payment.failed.gateway_error',
  ])
  for (const event of events) assert.equal(await requestsOf(event), 1)
  const [paid] = events
  const refund = refundRequested(paid!, '4.00')
  await it.refund([refund])
  const last = await eventually(async () =>
    (await it.refundResults(refund.refund_id)).find(
      ({ event_type: type }) => type === 'refund.succeeded',
    ),
  )
  assert.ok(last.event_type === 'refund.succeeded' && last.psp === 'asyncbank')
})

test('rule 9: without callbacks and without its id, the same request asks under the same key', async (t) => {
  const service = await it.start()
  t.after(() => service.stop())
  await asyncbank.behave({ by_account: { lost: 'apply_then_reset' } })
  const event = fundsReserved('lost')
  await it.reserve([event])
  await eventually(async () => (await requestsOf(event)) >= 2)
  await asyncbank.behave({})
  const { event_type: type } = await it.final(event.payment_id)
  assert.equal(type, 'payment.completed')
  assert.equal((await asyncbank.list('charges', event.payment_id)).length, 1)
})

test('P5, rule 9: a payment whose key has expired is never sent again', async (t) => {
  const service = await it.start()
  t.after(() => service.stop())
  await asyncbank.behave({ by_account: { lost: 'apply_then_reset' } })
  const event = fundsReserved('lost')
  await it.reserve([event])
  await eventually(async () => (await it.resultsOf(event.payment_id)).length === 1)
  await service.stop()
  const owner = new pg.Client({ connectionString: it.adminUrl })
  await owner.connect()
  await owner.query(
    `UPDATE payments SET created_at = created_at - interval '1 day' WHERE payment_id = $1`,
    [event.payment_id],
  )
  await owner.end()
  const before = await requestsOf(event)
  await asyncbank.behave({ default: 'forget_keys' })
  const later = await it.start()
  t.after(() => later.stop())
  const stateOf = async () => {
    const { rows } = await it.db.query<{ status: string; step: string; waits: boolean }>(
      'SELECT status, step, due_at > now() AS waits FROM payments WHERE payment_id = $1',
      [event.payment_id],
    )
    return rows[0]
  }
  await eventually(
    async () =>
      assert.deepEqual(await stateOf(), {
        status: 'IN_DOUBT',
        step: 'query_further',
        waits: true,
      }) ?? true,
  )
  const reported = await eventually(async () => {
    const found = await contradictionsOf(event)
    return found.length > 0 && found
  })
  assert.deepEqual(
    reported.map(({ contradiction, subject, psp }) => [contradiction, subject, psp]),
    [['outcome_unknown', { type: 'payment', id: event.payment_id }, 'asyncbank']],
  )
  // It is due again and again, and nothing follows from it but the end of the doubt by a callback.
  await it.db.query('UPDATE payments SET due_at = now() WHERE payment_id = $1', [event.payment_id])
  await eventually(async () => (await stateOf())?.waits === true)
  assert.equal((await contradictionsOf(event)).length, 1)
  assert.equal(await requestsOf(event), before)
  assert.equal((await asyncbank.list('charges', event.payment_id)).length, 1)
})

test('answers by which the bank accepts nothing make no doubt: the payment fails with proof', async (t) => {
  const service = await it.start({ CAUDAL_PSP_RETRIES: '0' })
  t.after(() => service.stop())
  await asyncbank.behave({ by_account: { limited: 'rate_limit_once', broken: 'error_500' } })
  t.after(() => asyncbank.behave({}))
  const events = ['limited', 'broken'].map((account) => fundsReserved(account))
  await it.reserve(events)
  await it.finals(events)
  for (const event of events) {
    const types = (await it.resultsOf(event.payment_id)).map(({ event_type: type }) => type)
    assert.equal(types.length, 1, types.join())
    assert.match(types[0]!, /^payment\.failed\.gateway_/)
    assert.deepEqual(await asyncbank.list('charges', event.payment_id), [])
  }
})

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import pg from 'pg'
import { startAsyncbank } from './start-asyncbank.ts'
import { fileScope, fundsReserved, refundRequested, world } from './world.ts'

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
    const { rows } = await it.db.query(
      'SELECT status, step, due_at > now() AS waits FROM payments WHERE payment_id = $1',
      [event.payment_id],
    )
    return rows[0]
  }
  await eventually(
    async () =>
      assert.deepEqual(await stateOf(), { status: 'IN_DOUBT', step: 'query', waits: true }) ?? true,
  )
  assert.equal(await requestsOf(event), before)
  assert.equal((await asyncbank.list('charges', event.payment_id)).length, 1)
})

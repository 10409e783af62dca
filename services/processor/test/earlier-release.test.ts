import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { transaction } from '@caudal/postgres/transaction.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import pg from 'pg'
import { claimByEarlierRelease } from './earlier-release.ts'
import { startAsyncbank } from './start-asyncbank.ts'
import { fileScope, fundsReserved, world } from './world.ts'

const scope = fileScope(after)
const asyncbank = await startAsyncbank(scope)
const it = await world(scope, {
  CAUDAL_PSPS: 'asyncbank',
  ...asyncbank.env,
  CAUDAL_PSP_ROUTES: '[{"service":"Water","psps":["asyncbank"]}]',
})
test('rule 9: release 0.1.0 claims no payment of a further PSP, whatever its step is', async (t) => {
  const service = await it.start()
  await asyncbank.behave({ by_account: { lost: 'apply_then_reset' } })
  const events = ['1234567890', 'lost'].map((account) => {
    const event = fundsReserved(account)
    event.payment_data.service_name = 'Water'
    return event
  })
  await it.reserve(events)
  const [, doubtful] = events as [(typeof events)[0], (typeof events)[0]]
  await eventually(async () => (await it.resultsOf(doubtful.payment_id)).length > 0)
  await it.final(events[0]!.payment_id)
  await service.stop()
  const owner = new pg.Client({ connectionString: it.adminUrl })
  await owner.connect()
  t.after(() => owner.end())
  for (const step of ['send', 'await', 'query']) {
    await owner.query(
      `UPDATE payments SET due_at = now() - interval '1 minute',
         step = CASE WHEN step LIKE '%\\_further' THEN $2 || '_further' ELSE $2 END
       WHERE payment_id = $1`,
      [doubtful.payment_id, step],
    )
    const claimed = await transaction(it.db, (tx) => claimByEarlierRelease(tx))
    assert.deepEqual(claimed, [], step)
  }
  await asyncbank.behave({})
  const again = await it.start()
  t.after(() => again.stop())
  await it.final(doubtful.payment_id)
  assert.equal((await asyncbank.list('charges', doubtful.payment_id)).length, 1)
  assert.equal(await it.requests(doubtful.payment_id), 0)
})

test('the database refuses a step that release 0.1.0 claims in a payment of a further PSP', async () => {
  await assert.rejects(
    it.db.query(
      `INSERT INTO payments (payment_id, tenant_id, account_id, user_id, wallet_transaction_id,
         amount_minor, currency, request_body, status, step, due_at, attempt_number, psp)
       VALUES (gen_random_uuid(), 'caudal', gen_random_uuid(), gen_random_uuid(),
         gen_random_uuid(), 1, 'USD', '', 'PENDING', 'send', now(), 0, 'asyncbank')`,
    ),
    /payments_of_further_psps_have_own_steps/,
  )
})

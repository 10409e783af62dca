import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { paymentMigrations } from '../src/migrations.ts'
import type { TracedRequest } from '../src/requests/payment-request.ts'
import { ask, requestsOver, show } from './direct-requests.ts'
import { commitFaults, terminate, withFirstCommit } from './faulty-commits.ts'

const scope = suiteScope()
let db: Db
let adminUrl: string

before(async () => {
  const database = await testDatabase(scope, { sets: paymentMigrations, name: 'unknown_commit' })
  db = database.pool
  adminUrl = database.adminUrl
})

async function assertOnePayment(request: TracedRequest): Promise<void> {
  const { rows } = await db.query<{ payments: bigint; keys: bigint; events: bigint }>(
    `SELECT (SELECT count(*) FROM payments WHERE user_id = $1) AS payments,
       (SELECT count(*) FROM idempotency_keys WHERE user_id = $1 AND http_status = 202) AS keys,
       (SELECT count(*) FROM outbox WHERE payload::jsonb ->> 'user_id' = $1::text) AS events`,
    [request.userId],
  )
  assert.deepEqual(rows, [{ payments: 1n, keys: 1n, events: 1n }])
}

for (const [name, commit] of commitFaults(() => adminUrl)) {
  test(`a COMMIT ${name}: the payment is read back by its key, and exists once`, async () => {
    const requests = requestsOver(withFirstCommit(db, commit))
    const first = ask()
    const rival = ask({ userId: first.userId, externalOrderId: first.externalOrderId })
    const outcomes = await Promise.all([
      requests.request(first),
      requests.request({ ...first, paymentId: newId() }),
      requests.request(rival),
    ])
    assert.deepEqual(outcomes.map(show), [
      [202, false],
      [202, true],
      [409, false],
    ])
    await assertOnePayment(first)
    const again = await requests.request(rival)
    assert.deepEqual(again, { ...outcomes[2], replayed: true })
    assert(requests.committed.length > 0)
  })
}

test('a failed COMMIT without an effect is a fault for the caller, and binds no key (rule 1)', async () => {
  const requests = requestsOver(
    withFirstCommit(db, async (tx) => {
      await tx.query('ROLLBACK')
      throw Object.assign(new Error('could not extend file: no space left'), { code: '53100' })
    }),
  )
  const request = ask()
  await assert.rejects(requests.request(request), { code: '53100' })
  assert.deepEqual(show(await requests.request(request)), [202, false])
  await assertOnePayment(request)
})

test('an answer whose COMMIT is unknown is not a replay, even if its batch then fails', async () => {
  const database = withFirstCommit(db, async (tx, commit) => {
    await commit()
    await terminate(adminUrl, tx)
    throw new Error('Connection terminated unexpectedly')
  })
  const faults = [new Error('planted')]
  const requests = requestsOver(database, {
    afterCommit() {
      const fault = faults.pop()
      if (fault) throw fault
    },
  })
  const [first, second] = [ask(), ask()]
  const outcomes = await Promise.all([requests.request(first), requests.request(second)])
  assert.deepEqual(outcomes.map(show), [
    [202, false],
    [202, false],
  ])
  await assertOnePayment(first)
  await assertOnePayment(second)
})

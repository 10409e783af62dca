import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { PaymentFinalized } from '@caudal/contracts/events/payments.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { testServer } from '@caudal/testing/test-server.ts'
import { finalized, world } from './world.ts'

const COUNT = 1_000
const STATEMENTS_AT_MOST = 60

describe('a thousand payments that end together', async () => {
  const scope = suiteScope()
  const it = await world(scope)
  const admin = createPool({ url: testServer().adminUrl, applicationName: 'test', max: 1 })
  scope.after(() => admin.end())
  const service = await it.start({ leaseMs: 15_000, pushTimeoutMs: 5_000 })

  const measure = async (events: readonly PaymentFinalized[]) => {
    const lookups = () => it.identity.calls.get('/v1/users/lookup') ?? 0
    const before = { statements: await statementsOf(admin, it.databaseName), lookups: lookups() }
    const startedAt = performance.now()
    await it.finalize(events)
    await eventually(async () => ((await it.statuses(events))['SENT'] ?? 0) === events.length, {
      timeoutMs: 60_000,
    })
    return {
      seconds: (performance.now() - startedAt) / 1_000,
      statements: (await statementsOf(admin, it.databaseName)) - before.statements,
      lookups: lookups() - before.lookups,
    }
  }

  test('P6: a thousand notifications take few statements and few lookups', async (t) => {
    const events = Array.from({ length: COUNT }, (_, index) =>
      finalized(it.identity.addUser([index % 2 === 0 ? 'android' : 'ios'])),
    )
    const { seconds, statements, lookups } = await measure(events)
    t.diagnostic(`${Math.round(COUNT / seconds)}/s, ${statements} statements, ${lookups} lookups`)
    assert.ok(statements <= STATEMENTS_AT_MOST, `${statements} statements`)
    assert.ok(lookups <= 20, `${lookups} lookups`)
  })

  test('P6: a thousand repeated notifications take no query each', async (t) => {
    await it.behave({ default: 'error_500_once' })
    const events = Array.from({ length: COUNT }, (_, index) =>
      finalized(it.identity.addUser([index % 2 === 0 ? 'android' : 'ios'])),
    )
    const { seconds, statements, lookups } = await measure(events)
    t.diagnostic(`${Math.round(COUNT / seconds)}/s, ${statements} statements, ${lookups} lookups`)
    assert.ok(statements <= 4 * STATEMENTS_AT_MOST, `${statements} statements`)
  })

  test('P6: dead tokens of a thousand users are removed with few calls', async () => {
    await it.behave({ default: 'unregistered' })
    const users = Array.from({ length: COUNT }, () => it.identity.addUser(['android']))
    const before = it.identity.calls.get('/v1/devices/remove') ?? 0
    await it.finalize(users.map((user) => finalized(user)))
    await eventually(() => users.every((user) => it.identity.tokensOf(user.userId).length === 0), {
      timeoutMs: 60_000,
    })
    const removals = (it.identity.calls.get('/v1/devices/remove') ?? 0) - before
    assert.ok(removals <= COUNT / 10, `${removals} removals`)
    await service.stop()
  })
})

/** Statements in the service's database, without those of this test. */
async function statementsOf(admin: Db, database: string): Promise<number> {
  const { rows } = await admin.query<{ calls: number }>(
    `SELECT coalesce(sum(calls), 0)::int AS calls
     FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
     WHERE d.datname = $1 AND query !~ 'GROUP BY status'`,
    [database],
  )
  return rows[0]!.calls
}

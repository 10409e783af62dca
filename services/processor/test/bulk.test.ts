import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { testServer } from '@caudal/testing/test-server.ts'
import pg from 'pg'
import { fileScope, fundsReserved, world } from './world.ts'

const COUNT = 1_000
const it = await world(fileScope(after), { CAUDAL_PSP_TIMEOUT: '10s' })

test('a thousand payments take less than 0.2 statements each, and none is lost', async (t) => {
  await it.behave({})
  const admin = new pg.Client({ connectionString: testServer().adminUrl })
  await admin.connect()
  t.after(() => admin.end())
  const service = await it.start()
  // The first payments open connections and compile code.
  const first = Array.from({ length: COUNT / 2 }, () => fundsReserved())
  await it.reserve(first)
  await it.finals(first)
  const events = Array.from({ length: COUNT }, () => fundsReserved())
  const before = await statementsOf(admin)
  const beganAt = performance.now()
  await it.reserve(events)
  await eventually(
    async () => {
      const { rows } = await it.db.query(
        `SELECT count(*)::int AS count FROM payments WHERE status = 'COMPLETED'`,
      )
      return rows[0].count === first.length + COUNT
    },
    { timeoutMs: 60_000 },
  )
  const seconds = (performance.now() - beganAt) / 1000
  const statements = (await statementsOf(admin)) - before
  t.diagnostic(`${Math.round(COUNT / seconds)} payments/s, ${statements} statements`)
  assert.ok(statements < 0.2 * COUNT, `${statements} statements`)
  await it.finals(events)
  await service.stop()
})

/** Statements of the processor's own database, without polls and those of this test. */
async function statementsOf(admin: pg.Client): Promise<number> {
  const { rows } = await admin.query(
    `SELECT coalesce(sum(calls), 0)::int AS calls
     FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
     WHERE d.datname = $1 AND query !~ 'AS due|AS count FROM payments'`,
    [new URL(it.adminUrl).pathname.slice(1)],
  )
  return rows[0].calls
}

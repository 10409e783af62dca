import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SLOW } from '@caudal/testing/slow.ts'
import { connectAsAdmin } from '../support/database-server.ts'
import { makeEditedCopy } from '../support/edited-copy.ts'
import { seedOf } from './assert-money-kept.ts'
import { violationsInTables } from './check-money.ts'
import { LIES, LOSSES, MISTAKES, NO_CALLBACKS } from './mistakes.ts'
import { playMoney } from './play-money.ts'
import { playedProcesses } from './played-system.ts'

const PLAY = { users: 8, orders: 4, crashEvery: 50 }

/** Damage to the tables of a quiet system, and the check that must find it. */
const DAMAGES: readonly { database: string; damage: string; finds: RegExp }[] = [
  {
    database: 'payments',
    damage: `UPDATE refunds SET amount_minor = 1001 WHERE refund_id = (
      SELECT refund_id FROM refunds WHERE status = 'SUCCEEDED' LIMIT 1)`,
    finds: /^\d+ payments returned more than was captured$/,
  },
  {
    database: 'payments',
    damage: `UPDATE refunds SET amount_minor = 1002 WHERE refund_id = (
      SELECT refund_id FROM refunds WHERE status = 'SUCCEEDED' AND origin = 'client' LIMIT 1)`,
    finds: /^\d+ refunds were accepted beyond what was captured$/,
  },
  {
    database: 'wallets',
    damage: `UPDATE holds SET status = 'open', remaining_minor = 1 WHERE hold_id = (
      SELECT hold_id FROM holds WHERE status = 'committed' LIMIT 1)`,
    finds: /^1 holds are open without a reason$/,
  },
  {
    database: 'payments',
    damage: `DELETE FROM cases WHERE case_id = (
      SELECT case_id FROM cases WHERE reason = 'failure_after_success' LIMIT 1)`,
    finds: /^a callback of \w+ contradicts .+ \(failure_after_success\), and there is no case$/,
  },
  {
    database: 'payments',
    damage: `UPDATE cases SET reason = 'operation_unknown' WHERE case_id = (
      SELECT case_id FROM cases WHERE reason = 'amount_mismatch' LIMIT 1)`,
    finds: /^no case that \w+ reported another amount of /,
  },
]

test(
  'without a mistake nothing is found, but for damage that is done afterwards',
  SLOW,
  async (t) => {
    const system = await playedProcesses(t)
    const play = { ...PLAY, seed: seedOf(t), phases: LIES }
    const { violations } = await playMoney(system, play)
    assert.deepEqual(violations, [])
    for (const { database, damage, finds } of DAMAGES) {
      await damageOnce(system.dataDir, database, damage)
      const found = await violationsInTables(system.dataDir)
      assert.ok(
        found.some((one) => finds.test(one)),
        `${damage}\n${found.join('\n')}`,
      )
    }
  },
)

/** Does what no role of a service may do. */
async function damageOnce(dataDir: string, database: string, damage: string): Promise<void> {
  const admin = await connectAsAdmin(dataDir, `caudal_${database}`)
  try {
    await admin.query('SET session_replication_role = replica')
    const { rowCount } = await admin.query(damage)
    assert.equal(rowCount, 1, damage)
  } finally {
    await admin.end()
  }
}

test('without a mistake nothing is found, though no bank sends a callback', SLOW, async (t) => {
  const play = { ...PLAY, seed: seedOf(t), phases: LOSSES, withoutCallbacks: true }
  const { violations } = await playMoney(await playedProcesses(t, { env: NO_CALLBACKS }), play)
  assert.deepEqual(violations, [])
})

for (const mistake of MISTAKES) {
  test(mistake.title, SLOW, async (t) => {
    const { service, edits, finds, phases, withoutCallbacks = false, replicas = 1 } = mistake
    const system = await playedProcesses(t, {
      roots: { [service]: await makeEditedCopy(t, edits) },
      replicas: { [service]: replicas },
      env: withoutCallbacks ? NO_CALLBACKS : {},
    })
    const { violations } = await playMoney(system, {
      ...PLAY,
      seed: seedOf(t),
      phases,
      withoutCallbacks,
    })
    const found = violations.filter((violation) => finds.test(violation))
    for (const violation of found.slice(0, 5)) t.diagnostic(violation)
    assert.ok(found.length > 0, `not found among:\n${violations.join('\n')}`)
  })
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ParkError } from '@caudal/event-log/park-error.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { restoreAccounts } from '@caudal/wallets/upkeep/store/restore-accounts.ts'
import { restoreEvents } from '@caudal/wallets/upkeep/store/restore-events.ts'
import type { Check, CheckInput } from 'caudal/verify/check.ts'
import { CHECKS } from 'caudal/verify/verify-system.ts'
import fc from 'fast-check'
import { eventCredit } from '../../services/wallets/test/event-postings.ts'
import { ledgerDatabase, runBatch } from '../../services/wallets/test/ledger-fixture.ts'
import { pspPostingWork } from '../../services/wallets/test/psp-postings.ts'
import { batchesOf, newWorld, script, workOf } from '../../services/wallets/test/scripts.ts'
import { newWallet } from '../../services/wallets/test/test-wallet.ts'
import type { TestWork } from '../../services/wallets/test/work.ts'
import { fillSampleLedger, openWithEvents, SAMPLE } from './sample-ledger.ts'

const OF_THE_LEDGER = CHECKS.filter(
  (check): check is Check => 'run' in check && check.needs.join() === 'wallets',
)

async function assertClean(wallets: Db, ...empty: string[]): Promise<void> {
  assert.equal(OF_THE_LEDGER.length, 6)
  for (const { name, run } of OF_THE_LEDGER) {
    const { checked, violations } = await run({ wallets } as CheckInput)
    assert.deepEqual(violations, [], name)
    assert.equal(checked > 0, !empty.includes(name), name)
  }
}

/** Like the consumer: parks records that cannot be applied and applies the others. */
async function applyBatch(db: Db, batch: readonly TestWork[]): Promise<void> {
  try {
    await runBatch(db, batch)
  } catch (error) {
    if (!(error instanceof ParkError)) throw error
    const parked = new Set(error.parked.map(({ record }) => record))
    await applyBatch(
      db,
      batch.filter(({ record }) => record === null || !parked.has(record)),
    )
  }
}

test('F1, F3: verify finds no violations in a random ledger and in one rebuilt from it', async (t) => {
  const { pool } = await ledgerDatabase(t)
  let run = 0
  await fillSampleLedger(pool)
  const wallet = newWallet()
  await openWithEvents(pool, [wallet])
  await runBatch(pool, [eventCredit(wallet, 12n, 'deposit-1')])
  await fc.assert(
    fc.asyncProperty(script, async ({ steps, cuts }) => {
      run += 1
      const name = `run-${run}`
      const world = newWorld(name)
      await openWithEvents(pool, world.wallets)
      for (const batch of batchesOf(workOf(name, world, steps), cuts)) await applyBatch(pool, batch)
    }),
    { numRuns: 10 },
  )
  await assertClean(pool)

  const { rows: events } = await pool.query<{ payload: string }>(
    `SELECT payload FROM outbox WHERE topic = 'wallets.ledger' ORDER BY id`,
  )
  const { ownerUrl } = await ledgerDatabase(t)
  const rebuilt = createPool({ url: ownerUrl, applicationName: 'rebuilt' })
  t.after(() => rebuilt.end())
  await transaction(rebuilt, (tx) =>
    restoreEvents(
      tx,
      events.map(({ payload }) => payload),
    ),
  )
  await restoreAccounts(rebuilt)
  // The events before the rebuild are not in its outbox, and the day of a client begins again.
  await assertClean(rebuilt, 'events_match_ledger', 'client_spending')
  const { outcomes } = await runBatch(rebuilt, [eventCredit(wallet, 12n, 'deposit-1')])
  const [again] = outcomes
  assert.equal(again?.type === 'refused' && again.code, 'REFERENCE_ALREADY_USED')
  const { refund } = SAMPLE
  const repeated = await runBatch(rebuilt, [pspPostingWork(refund)])
  assert.deepEqual(repeated.outcomes, [{ type: 'unchanged' }])
  const another = pspPostingWork({ ...refund, amount: '7.00' })
  await assert.rejects(runBatch(rebuilt, [another]), ParkError)
})

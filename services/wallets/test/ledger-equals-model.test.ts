import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ParkError } from '@caudal/event-log/park-error.ts'
import type { Db } from '@caudal/postgres/types.ts'
import fc from 'fast-check'
import { bookingTimeOf } from '../src/ledger/domain/booking-time.ts'
import { decideBatch } from '../src/ledger/domain/decide-batch.ts'
import type { LedgerState } from '../src/ledger/domain/ledger-state.ts'
import { findViolations } from './find-violations.ts'
import { ledgerDatabase, openWallets, runBatch } from './ledger-fixture.ts'
import { memoryLedger } from './memory-ledger.ts'
import { batchesOf, newWorld, script, workOf } from './scripts.ts'
import type { TestWork } from './work.ts'

/** As the consumer does: what cannot be applied is put aside, the rest goes on. */
async function applyBatch(db: Db, batch: readonly TestWork[]): Promise<void> {
  let rest = batch
  while (rest.length > 0) {
    try {
      await runBatch(db, rest)
      return
    } catch (error) {
      if (!(error instanceof ParkError)) throw error
      const aside = new Set(error.parked.map(({ record }) => record))
      rest = rest.filter(({ record }) => record === null || !aside.has(record))
    }
  }
}

async function readLedger(db: Db, tenantId: string) {
  const accounts = await db.query<Record<string, unknown>>(
    `SELECT account_id, available_minor, held_minor, version, status, overdraft_limit_minor,
       revision
     FROM accounts WHERE tenant_id = $1 AND version + revision > 0 ORDER BY account_id`,
    [tenantId],
  )
  const holds = await db.query<Record<string, unknown>>(
    `SELECT hold_id, payment_id, account_id, amount_minor, remaining_minor, status, refused_for
     FROM holds WHERE tenant_id = $1 ORDER BY hold_id`,
    [tenantId],
  )
  return { accounts: accounts.rows, holds: holds.rows }
}

function modelLedger(state: LedgerState) {
  const accounts = [...state.accounts.values()]
    .filter(({ version, revision }) => version + revision > 0)
    .map((it) => ({
      account_id: it.accountId,
      available_minor: `${it.availableMinor}`,
      held_minor: `${it.heldMinor}`,
      version: BigInt(it.version),
      status: it.status,
      overdraft_limit_minor: it.overdraftLimitMinor,
      revision: BigInt(it.revision),
    }))
    .toSorted((a, b) => (a.account_id < b.account_id ? -1 : 1))
  const holds = [...state.holds.values()]
    .map((it) => ({
      hold_id: it.holdId,
      payment_id: it.paymentId,
      account_id: it.accountId,
      amount_minor: it.amountMinor,
      remaining_minor: it.remainingMinor,
      status: it.status,
      refused_for: it.refusedFor,
    }))
    .toSorted((a, b) => (a.hold_id < b.hold_id ? -1 : 1))
  return { accounts, holds }
}

test('F1: the tables equal the fold in memory for any batches', async (t) => {
  const { pool } = await ledgerDatabase(t)
  let run = 0
  await fc.assert(
    fc.asyncProperty(script, async ({ steps, cuts }) => {
      run += 1
      const name = `run-${run}`
      const world = newWorld(name)
      await openWallets(pool, world.wallets)
      const work = workOf(name, world, steps)
      for (const batch of batchesOf(work, cuts)) await applyBatch(pool, batch)
      const state = memoryLedger(world.wallets)
      const commands = work.map((it) => it.command)
      const slots = work.map(({ origin }) => origin.slot!)
      decideBatch(state, commands, bookingTimeOf(new Date('2025-08-24')), { slots })
      const found = await readLedger(pool, world.wallets[0]!.tenantId)
      // Refused holds are read back with their reason, so the whole row can be compared.
      assert.deepEqual(found, modelLedger(state))
    }),
    { numRuns: 15 },
  )
  assert.deepEqual(await findViolations(pool), [])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPool } from '@caudal/postgres/create-pool.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import type { Work } from '../src/ledger/origin.ts'
import { processBatch } from '../src/ledger/process-batch.ts'
import { atomic, change, expiringHold, move, transfer } from './client-commands.ts'
import { findViolations } from './find-violations.ts'
import { ledgerDatabase, openWallets, runBatch, runCommands } from './ledger-fixture.ts'
import { newWallet, type TestWallet } from './test-wallet.ts'
import { atomicWork, clientWork } from './work.ts'

const TABLES = `accounts account_changes holds hold_expiries transfers entries idempotency_keys
  command_references outbox`.split(/\s+/)

/** Everything that the ledger has, as text. */
async function contentOf(db: Db): Promise<string> {
  const parts = TABLES.map(async (table) => {
    const { rows } = await db.query<{ line: string }>(
      `SELECT t::text AS line FROM ${table} t ORDER BY 1`,
    )
    return [table, ...rows.map((row) => row.line)].join('\n')
  })
  return (await Promise.all(parts)).join('\n')
}

/** One of every kind of writing: accounts opened and changed, holds with an end, all or nothing. */
function workOn(wallet: TestWallet, other: TestWallet): Work[] {
  return [
    clientWork(move('debit', wallet, 5n)),
    clientWork(expiringHold(wallet, 5n, 3_600)),
    clientWork(change({ overdraft: 50n }, wallet)),
    clientWork(move('debit', wallet, 500n)),
    clientWork(
      transfer([
        [wallet, -120n],
        [other, 100n],
        [['fees', 'USD'], 20n],
      ]),
    ),
    atomicWork(atomic([move('credit', other, 7n), change('freeze', other)])),
  ]
}

/**
 * Runs the work in a transaction whose connection the server ends in front of the statement with
 * this number, COMMIT included. False when there are not so many.
 */
async function crashAt(admin: Db, victim: Db, work: readonly Work[], at: number): Promise<boolean> {
  let statements = 0
  let killed = false
  const connect = async (): Promise<Tx> => {
    const tx = await victim.connect()
    const query = tx.query.bind(tx) as (...args: unknown[]) => Promise<unknown>
    const { processID } = tx as unknown as { processID: number }
    let gate: Promise<unknown> = Promise.resolve()
    const counting = (...args: unknown[]): Promise<unknown> => {
      const number = (statements += 1)
      const sent = gate.then(async () => {
        if (number === at) {
          const { rows } = await admin.query('SELECT pg_terminate_backend($1)', [processID])
          killed = rows.length === 1
        }
        return query(...args)
      })
      // One after the other, so that everything before the crash has been carried out.
      gate = sent.catch(() => undefined)
      return sent
    }
    return Object.assign(tx, { query: counting })
  }
  const crashing = { connect } as unknown as Db
  const running = transaction(crashing, (tx, last) =>
    processBatch({ region: 'test', slot: 0, last }, tx, work),
  )
  const [outcome] = await Promise.allSettled([running])
  assert.equal(outcome.status === 'rejected', killed, `statement ${at}`)
  return killed
}

test('a crash between any two statements of a transaction leaves nothing of it', async (t) => {
  const { pool, url, adminUrl } = await ledgerDatabase(t)
  const admin = createPool({ url: adminUrl, applicationName: 'admin' })
  t.after(() => admin.end())
  const [wallet, other] = [newWallet(), newWallet()]
  await openWallets(pool, [wallet, other])
  await runCommands(pool, move('credit', wallet, 100n))
  const work = workOn(wallet, other)
  const before = await contentOf(pool)
  let crashes = 0
  for (let at = 1; ; at += 1) {
    // A pool of its own: the one whose connection breaks is thrown away.
    const victim = createPool({ url, applicationName: 'victim', max: 1 })
    victim.on('error', () => undefined)
    const killed = await crashAt(admin, victim, work, at)
    await victim.end()
    if (!killed) break
    crashes += 1
    assert.equal(await contentOf(pool), before, `something is left of a crash at ${at}`)
  }
  // BEGIN, locks, keys, accounts opened and locked, changes, ends, books, COMMIT.
  assert.ok(crashes >= 9, `${crashes} crashes`)
  assert.notEqual(await contentOf(pool), before)
  assert.deepEqual(await findViolations(pool), [])
  // What was done without a crash in the end is found under its keys.
  const { outcomes } = await runBatch(pool, work)
  for (const outcome of outcomes) assert.equal(outcome.type, 'repeated')
})

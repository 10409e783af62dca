import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PARTITION_COUNT, TOPICS } from '@caudal/contracts/topics.ts'
import type { EventLog, LogRecord } from '@caudal/event-log/event-log.ts'
import { ParkError } from '@caudal/event-log/park-error.ts'
import { partitionOf } from '@caudal/event-log/partition-of.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import fc from 'fast-check'
import { openAccount } from '../src/accounts/open-account.ts'
import { LEDGER_RIGHTS } from '../src/ledger/domain/rights.ts'
import { rebuildLedger } from '../src/upkeep/rebuild-ledger.ts'
import { change, close, move } from './client-commands.ts'
import { findViolations } from './find-violations.ts'
import { ledgerDatabase, runBatch, runCommands } from './ledger-fixture.ts'
import { completed, newPayment, requested } from './payment-events.ts'
import { batchesOf, newWorld, script, workOf } from './scripts.ts'
import { newWallet, type TestWallet } from './test-wallet.ts'
import { eventWork, type TestWork } from './work.ts'

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

/** Opens the account as a client does, so that its event is emitted. */
async function open(db: Db, wallet: TestWallet): Promise<void> {
  const opener = { actor: { type: 'client', id: 'tester' }, traceparent: TRACE } as const
  await openAccount({ db, region: 'test', afterCommit: () => {} }, wallet, opener)
}

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

interface Emitted {
  key: string
  value: string
}

/** The events that the ledger has emitted, in its order. */
async function emittedBy(db: Db): Promise<Emitted[]> {
  const { rows } = await db.query<Emitted>(
    `SELECT record_key AS key, payload AS value FROM outbox WHERE topic = $1 ORDER BY id`,
    [TOPICS.ledger],
  )
  return rows
}

/** A log that has these records, a few at a time. */
function logOf(emitted: readonly Emitted[]): EventLog {
  const records: LogRecord[] = []
  const next = Array.from({ length: PARTITION_COUNT }, () => 0n)
  for (const { key, value } of emitted) {
    const partition = partitionOf(key)
    const offset = next[partition]!
    next[partition] = offset + 1n
    records.push({ topic: TOPICS.ledger, key, value, headers: {}, partition, offset })
  }
  const unused = (): never => assert.fail('a rebuilding only reads')
  return {
    append: unused,
    join: unused,
    identify: unused,
    earliest: async (partitions) => partitions.map((it) => ({ ...it, offset: 0n })),
    end: async (partitions) => partitions.map((it) => ({ ...it, offset: next[it.partition]! })),
    read: async (positions) => {
      const from = new Map(positions.map(({ partition, offset }) => [partition, offset]))
      const rest = records.filter(
        ({ partition, offset }) => offset >= (from.get(partition) ?? offset + 1n),
      )
      return rest.slice(0, 7)
    },
    close: async () => {},
  }
}

/** Everything that the events contain, to the row. */
async function booksOf(db: Db): Promise<Record<string, unknown[]>> {
  const books: Record<string, unknown[]> = {}
  for (const [table, left, where] of [
    ['accounts', '', 'true'],
    ['account_changes', `- 'fingerprint'`, 'true'],
    ['transfers', `- 'fingerprint'`, 'true'],
    ['entries', '', 'true'],
    ['holds', '', `status <> 'refused'`],
    ['command_references', '', 'true'],
    ['psp_postings', `- 'fingerprint'`, 'true'],
  ]) {
    const { rows } = await db.query<{ row: unknown }>(
      `SELECT to_jsonb(t) ${left} AS row FROM ${table} t WHERE ${where} ORDER BY 1`,
    )
    books[table!] = rows.map(({ row }) => row)
  }
  return books
}

/** An empty ledger to rebuild into, as its owner. */
async function emptyLedger(scope: TestScope): Promise<Db> {
  const { ownerUrl } = await ledgerDatabase(scope)
  const db = createPool({ url: ownerUrl, applicationName: 'rebuild' })
  scope.after(() => db.end())
  return db
}

/** Commands of every kind that the random ones may lack. */
async function everyKind(db: Db): Promise<void> {
  const [one, two] = [newWallet(), newWallet()]
  await open(db, one)
  await open(db, two)
  const named = (wallet: TestWallet) => {
    const { kind: _, ...rest } = change('freeze', wallet)
    return rest
  }
  const limit = { limitMinor: 500n, currency: 'USD' }
  await runCommands(db, move('credit', one, 2n ** 62n), {
    ...named(two),
    kind: 'overdraft',
    ...limit,
  })
  const expiring = { ...move('hold', one, 9n), expiresInSeconds: 600 }
  const partly = move('hold', one, 20n)
  await runCommands(db, expiring, partly, move('debit', two, 400n))
  await runCommands(db, close('commit', one, partly.transferId, 5n))
  const sale = {
    ...named(two),
    kind: 'transfer' as const,
    source: { type: 'client', id: 'tester' } as const,
    rights: LEDGER_RIGHTS,
    policy: null,
    valueDate: '2026-01-31',
    correctsId: null,
    postings: [
      { accountId: two.accountId, currency: 'USD', amountMinor: -50n, system: null },
      { accountId: one.accountId, currency: 'USD', amountMinor: 50n, system: null },
    ],
  }
  await runCommands(db, sale, { ...named(two), kind: 'freeze' })
  for (const psp of [undefined, 'other']) {
    const payment = newPayment(one, 3n)
    const { outcomes } = await runBatch(db, [eventWork(requested(payment))])
    const [held] = outcomes
    assert(held?.type === 'posted')
    const settled = { ...payment, holdId: held.transfer.transferId }
    await runBatch(db, [eventWork(completed(settled, psp))])
  }
}

test('F1, F3: from its events the ledger is rebuilt to the row, whatever is delivered twice', async (t) => {
  const { pool } = await ledgerDatabase(t)
  let run = 0
  await fc.assert(
    fc.asyncProperty(script, async ({ steps, cuts }) => {
      run += 1
      const name = `run-${run}`
      const world = newWorld(name)
      for (const wallet of world.wallets) await open(pool, wallet)
      const work = workOf(name, world, steps)
      for (const batch of batchesOf(work, cuts)) await applyBatch(pool, batch)
    }),
    { numRuns: 12 },
  )
  await everyKind(pool)
  const emitted = await emittedBy(pool)
  const books = await booksOf(pool)
  for (const table of Object.keys(books)) assert.ok(books[table]!.length > 0, table)

  const rebuilt = await emptyLedger(t)
  // Every third is delivered again, and late.
  const again = emitted.filter((_, index) => index % 3 === 0)
  const { events, gaps, ...found } = await rebuildLedger({
    log: logOf([...emitted, ...again]),
    db: rebuilt,
  })
  assert.deepEqual(gaps, [])
  assert.equal(events, emitted.length + again.length)
  assert.equal(found.transfers, books['transfers']!.length)
  assert.deepEqual(await booksOf(rebuilt), books)
  assert.deepEqual(await findViolations(rebuilt), [])
})

test('F4: a rebuilding names the events that are missing', async (t) => {
  const { pool } = await ledgerDatabase(t)
  await everyKind(pool)
  const emitted = await emittedBy(pool)
  const without = (kind: string): Emitted[] => {
    const at = emitted.findIndex(({ value }) => value.includes(`"event_type":"wallet.${kind}.`))
    assert.ok(at >= 0, kind)
    return emitted.toSpliced(at, 1)
  }
  const missing: [kind: string, gap: RegExp][] = [
    ['hold', /versions \d+ to \d+ are missing/],
    ['credit', /account \S+: versions 1 to 1 are missing/],
    ['account.opened', /account \S+ was never opened/],
    ['account.changed', /account \S+: revisions 1 to 1 are missing/],
  ]
  for (const [kind, gap] of missing) {
    const { gaps } = await rebuildLedger({ log: logOf(without(kind)), db: await emptyLedger(t) })
    assert.match(gaps.join('\n'), gap, kind)
  }
})

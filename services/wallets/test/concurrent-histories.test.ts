import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { newTraceparent } from '@caudal/telemetry/trace-context.ts'
import fc from 'fast-check'
import { takeCommands } from '../src/commands/take-commands.ts'
import type { Answer } from '../src/ledger/answer-batch.ts'
import type { AtomicBatch, Command } from '../src/ledger/domain/command.ts'
import type { LedgerState } from '../src/ledger/domain/ledger-state.ts'
import { sweepHolds, expiryOf } from '../src/upkeep/sweep-holds.ts'
import { type Booked, type Call, explainHistory } from './explain-history.ts'
import { findViolations } from './find-violations.ts'
import { ledgerDatabase, openWallets } from './ledger-fixture.ts'
import { memoryLedger } from './memory-ledger.ts'
import { clientScript, newWorld, workOf } from './scripts.ts'

const CLIENTS = 8
const observer = {
  eventsApplied: () => undefined,
  eventsParked: () => undefined,
  commandsAnswered: () => undefined,
  holdsExpired: () => undefined,
}
const shared = { region: 'test', observer, afterCommit: () => undefined }

/** Concurrent clients of two instances; each sends its next request after the last answer. */
async function record(
  instances: readonly Db[],
  requests: readonly (Command | AtomicBatch)[],
): Promise<{ calls: Call[]; swept: number }> {
  const takers = instances.map((db, index) =>
    takeCommands({
      ...shared,
      db,
      // Two lanes each; one slot of the clearing accounts is used by both instances.
      slots: [index, index + 1],
      batchCommands: 5,
      queueCommands: 1_000,
    }),
  )
  const calls: Call[] = []
  const waiting = [...requests]
  let clock = 0
  let underWay = CLIENTS
  const client = async (index: number): Promise<void> => {
    for (let request = waiting.shift(); request !== undefined; request = waiting.shift()) {
      const traceparent = newTraceparent()
      const invoked = (clock += 1)
      // A repeat may reach the other instance.
      const taker = takers[(index + invoked) % takers.length]!
      const answer = await taker.submit(request, traceparent)
      calls.push({ request, traceparent, answer, invoked, returned: (clock += 1) })
    }
    underWay -= 1
  }
  const sweeper = async (): Promise<number> => {
    let swept = 0
    while (underWay > 0) swept += await sweepHolds({ ...shared, db: instances[0]! })
    return swept
  }
  const clients = Array.from({ length: CLIENTS }, (_, index) => client(index))
  const [swept] = await Promise.all([sweeper(), ...clients])
  return { calls, swept }
}

/** What the ledger did by itself, at some time. */
async function endsOfHolds(db: Db, tenantId: string): Promise<Call[]> {
  const { rows } = await db.query<{ id: string; hold: string; account: string }>(
    `SELECT transfer_id AS id, hold_id AS hold, account_id AS account FROM transfers
     WHERE tenant_id = $1 AND reason = 'hold_expired'`,
    [tenantId],
  )
  return rows.map(({ id, hold, account }) => {
    const due = { tenantId, holdId: hold, accountId: account, expiresAt: new Date(0) }
    const request = { ...expiryOf(due), transferId: id }
    return { request, traceparent: '', answer: null, invoked: 0, returned: Infinity }
  })
}

async function readBooked(db: Db, tenantId: string): Promise<Booked> {
  const { rows } = await db.query<{ id: string; entries: string[] }>(
    `SELECT transfer_id AS id, array_agg(concat_ws(' ', account_id, balance, amount_minor,
       balance_after_minor, account_version) ORDER BY line) AS entries
     FROM entries WHERE tenant_id = $1 GROUP BY transfer_id
     UNION ALL
     SELECT change_id, ARRAY[concat_ws(' ', account_id, revision)]
     FROM account_changes WHERE tenant_id = $1`,
    [tenantId],
  )
  return new Map(rows.map((row) => [row.id, row.entries]))
}

async function readAccounts(db: Db, tenantId: string): Promise<string[]> {
  const { rows } = await db.query<{ account: string }>(
    `SELECT concat_ws(' ', account_id, available_minor, held_minor, version, status, revision)
       AS account
     FROM accounts WHERE tenant_id = $1 AND version + revision > 0 ORDER BY account_id`,
    [tenantId],
  )
  return rows.map((row) => row.account)
}

function accountsOf(state: LedgerState): string[] {
  return [...state.accounts.values()]
    .filter(({ version, revision }) => version + revision > 0)
    .map((it) =>
      [it.accountId, it.availableMinor, it.heldMinor, it.version, it.status, it.revision].join(' '),
    )
    .toSorted()
}

/** Wrong histories made of a right one: what a ledger would leave that lost its way. */
function wrongHistories(calls: readonly Call[], booked: Booked): [string, Call[], Booked][] {
  const success = calls.findIndex((it) => it.answer?.status === 200 && !it.answer.replayed)
  const refusal = calls.findIndex((it) => it.answer?.status === 422 && !it.answer.replayed)
  const replaced = (index: number, answer: Partial<Answer> | null): Call[] =>
    calls.map((it, at) => (at === index ? { ...it, answer: { ...it.answer!, ...answer } } : it))
  const wrong: [string, Call[], Booked][] = [
    ['an effect whose answer was a refusal', replaced(success, calls[refusal]!.answer), booked],
    ['a refusal that was answered as a success', replaced(refusal, calls[success]!.answer), booked],
    ['a replay that was answered as new', replaced(success, { replayed: true }), booked],
  ]
  const [transferId, entries] = [...booked].find(([, found]) => found.length > 1)!
  const later = entries.map((it) => it.replace(/\d+$/, (version) => `${Number(version) + 1}`))
  wrong.push(['a version that is left out', [...calls], new Map(booked).set(transferId, later)])
  const first = calls.findIndex((it) => it === calls[success])
  const late = calls.map((it, at) => (at === first ? { ...it, invoked: 1e6, returned: 1e6 } : it))
  wrong.push(['an effect that was seen before it was asked for', late, booked])
  return wrong
}

test('F1: the answers to concurrent clients of two instances equal some sequential order', async (t) => {
  const { pool, url } = await ledgerDatabase(t)
  const other = createPool({ url, applicationName: 'other' })
  t.after(() => other.end())
  const seen = { runs: 0, swept: 0, refused: 0, replayed: 0, applied: 0 }
  await fc.assert(
    fc.asyncProperty(clientScript, async (steps) => {
      seen.runs += 1
      const name = `history-${seen.runs}`
      const world = newWorld(name)
      const { tenantId } = world.wallets[0]!
      await openWallets(pool, world.wallets)
      const requests = workOf(name, world, steps).map((it) => it.command)
      const { calls, swept } = await record([pool, other], requests)
      const ends = await endsOfHolds(pool, tenantId)
      const booked = await readBooked(pool, tenantId)
      const start = memoryLedger([...world.wallets])
      const end = explainHistory(start, [...calls, ...ends], booked)
      if ('stuck' in end) assert.fail(`no order explains the answers: ${end.stuck}`)
      assert.deepEqual(accountsOf(end.state), await readAccounts(pool, tenantId))
      seen.swept += swept
      seen.refused += calls.filter((it) => it.answer!.status === 422).length
      seen.replayed += calls.filter((it) => it.answer!.replayed).length
      seen.applied += calls.filter((it) => it.request.kind === 'atomic').length
      if (seen.runs > 1) return
      for (const [what, wrong, found] of wrongHistories(calls, booked)) {
        assert.ok('stuck' in explainHistory(start, [...wrong, ...ends], found), what)
      }
    }),
    { numRuns: 6, endOnFailure: true },
  )
  for (const [what, times] of Object.entries(seen)) assert.ok(times > 0, `nothing was ${what}`)
  // Of all histories together: the time of a hold may be over only while a later one is recorded.
  const { rows } = await pool.query<{ ends: bigint }>(
    `SELECT count(*) AS ends FROM transfers WHERE reason = 'hold_expired'`,
  )
  assert.equal(Number(rows[0]!.ends), seen.swept)
  assert.deepEqual(await findViolations(pool), [])
})

import { PARTITION_COUNT, TOPICS } from '@caudal/contracts/topics.ts'
import { upcastText } from '@caudal/contracts/upcast-event.ts'
import type { EventLog, LogRecord, Position } from '@caudal/event-log/event-log.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { createMonth } from './store/create-month.ts'
import { findGaps, restoreAccounts } from './store/restore-accounts.ts'
import { restoreEvents } from './store/restore-events.ts'

/** What a rebuilding found. */
export interface Rebuilt {
  events: number
  transfers: number
  /** What is missing between the events, as sentences. */
  gaps: string[]
}

const RECORDS = 1_000
const READ_TIMEOUT_MS = 30_000

/**
 * Rebuilds the ledger from wallets.ledger, from the log's beginning to its present end: accounts
 * and their changes, transfers, entries, holds and references (F1, F3). `db` is an empty, migrated
 * database, as its owner. Events of one account may come twice and between those of others; what is
 * missing is reported.
 *
 * Not in the events, and so not rebuilt: idempotency keys with their answers and the fingerprints
 * of requests, and payments that were refused a hold.
 */
export async function rebuildLedger({ log, db }: { log: EventLog; db: Db }): Promise<Rebuilt> {
  const all = Array.from({ length: PARTITION_COUNT }, (_, partition) => {
    return { topic: TOPICS.ledger, partition }
  })
  const [starts, ends] = await Promise.all([log.earliest(all), log.end(all)])
  const positions = new Map(starts.map((start) => [start.partition, start]))
  const months = new Set<string>()
  let events = 0
  let transfers = 0
  for (;;) {
    const open = ends.flatMap((end) => {
      const position = positions.get(end.partition)!
      return position.offset < end.offset ? [position] : []
    })
    if (open.length === 0) break
    const records = await readOn(log, open)
    events += records.length
    transfers += await transaction(db, async (tx) => {
      for (const month of monthsOf(records)) {
        if (!months.has(month)) await createMonth(tx, month)
        months.add(month)
      }
      const whole = records.filter(({ value }) => isWhole(value))
      return restoreEvents(
        tx,
        whole.map(({ value }) => upcastText(value)),
      )
    })
    for (const { topic, partition, offset } of records) {
      positions.set(partition, { topic, partition, offset: offset + 1n })
    }
  }
  const gaps = await findGaps(db)
  // With a gap the balances match no entry, and the database would refuse some.
  if (gaps.length === 0) await restoreAccounts(db)
  return { events, transfers, gaps }
}

/**
 * Release 0.1.0 wrote transfers without entries. The ledger emitted them again when it was upgraded
 * (ADR 0022); one that it did not is reported as a gap.
 */
function isWhole(value: string): boolean {
  const event = JSON.parse(value) as { transfer_id?: string; entries?: unknown }
  return event.transfer_id === undefined || event.entries !== undefined
}

async function readOn(log: EventLog, positions: readonly Position[]): Promise<LogRecord[]> {
  const signal = AbortSignal.timeout(READ_TIMEOUT_MS)
  const records = await log.read(positions, { maxRecords: RECORDS, waitMs: 1_000, signal })
  signal.throwIfAborted()
  return records
}

function monthsOf(records: readonly LogRecord[]): Set<string> {
  const times = records.map(({ value }) => JSON.parse(value) as { occurred_at: string })
  return new Set(times.map(({ occurred_at: at }) => at.slice(0, 'YYYY-MM'.length)))
}

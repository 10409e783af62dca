import { parseEvent } from '@caudal/contracts/parse-event.ts'
import { isConnectionFault, isRetryableConflict } from '@caudal/postgres/errors.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import { advanceOffsets, advancesOf, type Positions } from './advance-offsets.ts'
import type { LogRecord } from './event-log.ts'
import type { IncomingEvent } from './incoming-event.ts'
import { type Parked, ParkError } from './park-error.ts'
import { parkRecords } from './park-records.ts'

/** Work that follows from effects; runs once they are committed, and only then. */
export type FollowUp = () => void

/**
 * The effects of a batch of events; runs in the transaction that moves the offsets. It may run
 * again, so what must not happen before the commit is returned as a follow-up.
 */
export type ProcessEvents = (tx: Tx, events: readonly IncomingEvent[]) => Promise<FollowUp | void>

export type Applied = {
  processed: number
  parked: readonly Parked[]
  followUp: FollowUp | undefined
}

type Target = { db: Db; group: string; process: ProcessEvents }

/**
 * Applies records in one transaction: offsets move by compare-and-set, `process` writes its
 * effects, what cannot be processed is parked together with what follows it under the same key.
 */
export async function applyBatch(
  target: Target,
  records: readonly LogRecord[],
  positions: Positions,
): Promise<Applied> {
  const { readable, unreadable } = readEvents(records)
  const refused = new Map<LogRecord, Parked>(unreadable.map((it) => [it.record, it]))
  for (;;) {
    try {
      return await attemptBatch(target, records, readable, refused, positions)
    } catch (error) {
      if (!(error instanceof ParkError)) throw error
      const before = refused.size
      for (const it of error.parked) refused.set(it.record, it)
      if (refused.size === before) throw new Error('parked twice', { cause: error })
    }
  }
}

async function attemptBatch(
  { db, group, process }: Target,
  records: readonly LogRecord[],
  readable: readonly IncomingEvent[],
  refused: ReadonlyMap<LogRecord, Parked>,
  positions: Positions,
): Promise<Applied> {
  return transaction(db, async (tx) => {
    const keys = [...new Set(records.map((record) => record.key))]
    const blocked = await advanceOffsets(tx, group, advancesOf(records, positions), keys)
    const parked = blocked.size + refused.size > 0 ? selectParked(records, refused, blocked) : []
    const aside = new Set(parked.map((it) => it.record))
    const events = aside.size === 0 ? readable : readable.filter(({ record }) => !aside.has(record))
    const followUp = events.length > 0 ? await process(tx, events) : undefined
    if (parked.length > 0) await parkRecords(tx, group, parked)
    return { processed: events.length, parked, followUp: followUp ?? undefined }
  })
}

/**
 * For a batch that keeps failing for no known reason, applied record by record: the one that fails
 * alone is parked. Faults that pass by themselves, such as a database that is down, stay faults.
 */
export function parkOnFault(process: ProcessEvents): ProcessEvents {
  return async (tx, events) => {
    try {
      return await process(tx, events)
    } catch (error) {
      const passing = (error as { retryable?: boolean }).retryable || isConnectionFault(error)
      if (passing || isRetryableConflict(error) || error instanceof ParkError) throw error
      const cause = error instanceof Error ? error.message : String(error)
      throw new ParkError(events.map(({ record }) => ({ record, kind: 'unprocessable', cause })))
    }
  }
}

/** The refused records and every record that comes behind a parked one of its topic and key. */
function selectParked(
  records: readonly LogRecord[],
  refused: ReadonlyMap<LogRecord, Parked>,
  blocked: ReadonlySet<string>,
): Parked[] {
  const closed = new Set(blocked)
  const parked: Parked[] = []
  for (const record of records) {
    const key = `${record.topic} ${record.key}`
    const own = refused.get(record)
    if (own) parked.push(own)
    else if (closed.has(key)) {
      parked.push({ record, kind: 'waiting', cause: 'an earlier record of this key is parked' })
    } else continue
    closed.add(key)
  }
  return parked
}

function readEvents(records: readonly LogRecord[]): {
  readable: IncomingEvent[]
  unreadable: Parked[]
} {
  const readable: IncomingEvent[] = []
  const unreadable: Parked[] = []
  for (const record of records) {
    const event = parseEvent(record.value)
    if ('unreadable' in event) {
      unreadable.push({ record, kind: 'unprocessable', cause: event.unreadable })
    } else readable.push({ event, record })
  }
  return { readable, unreadable }
}

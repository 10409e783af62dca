import type { BatchResult } from '@caudal/batching/process-batch.ts'
import { isConnectionFault, isRetryableConflict } from '@caudal/postgres/errors.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import { advanceOffsets, advancesOf, type Positions } from './advance-offsets.ts'
import type { LogRecord } from './event-log.ts'
import { type Parked, ParkError } from './park-error.ts'
import { parkRecords } from './park-records.ts'
import { type Handlers, route } from './router.ts'

/** Work that follows from effects; runs once they are committed, and only then. */
export type FollowUp = () => void

/**
 * The service's spine without its dependencies; runs in the transaction that moves the offsets. It
 * may run again, so its effects are in the transaction or in `afterCommit`.
 */
export type ProcessWork<W> = (tx: Tx, work: readonly W[]) => Promise<BatchResult<unknown>>

export type Applied = {
  processed: number
  skipped: number
  parked: readonly Parked[]
  afterCommit: FollowUp | undefined
}

/** Who consumes: the group, its handlers, and the spine that takes their work. */
export type ConsumeTarget<W> = {
  db: Db
  group: string
  handlers: Handlers<W>
  process: ProcessWork<W>
}

/** A unit of work and the record that it was made of. */
type RecordedWork<W> = { work: W; record: LogRecord }

/**
 * Applies records in one transaction: offsets move by compare-and-set, `process` writes its
 * effects, what cannot be processed is parked together with what follows it under the same key.
 */
export async function applyBatch<W>(
  target: ConsumeTarget<W>,
  records: readonly LogRecord[],
  positions: Positions,
): Promise<Applied> {
  const { routed, refused, skipped } = routeRecords(target, records)
  for (;;) {
    try {
      const applied = await attemptBatch(target, records, { routed, refused, positions })
      return { ...applied, skipped }
    } catch (error) {
      if (!(error instanceof ParkError)) throw error
      const before = refused.size
      for (const it of error.parked) refused.set(it.record, it)
      if (refused.size === before) throw new Error('parked twice', { cause: error })
    }
  }
}

async function attemptBatch<W>(
  { db, group, process }: ConsumeTarget<W>,
  records: readonly LogRecord[],
  {
    routed,
    refused,
    positions,
  }: {
    routed: readonly RecordedWork<W>[]
    refused: ReadonlyMap<LogRecord, Parked>
    positions: Positions
  },
): Promise<Omit<Applied, 'skipped'>> {
  return transaction(db, async (tx) => {
    const keys = [...new Set(records.map((record) => record.key))]
    const blocked = await advanceOffsets(tx, group, advancesOf(records, positions), keys)
    const parked = blocked.size + refused.size > 0 ? selectParked(records, refused, blocked) : []
    const aside = new Set(parked.map((it) => it.record))
    const due = aside.size === 0 ? routed : routed.filter(({ record }) => !aside.has(record))
    const work = due.map((it) => it.work)
    const result = work.length > 0 ? await process(tx, work) : undefined
    if (parked.length > 0) await parkRecords(tx, group, parked)
    return { processed: work.length, parked, afterCommit: result?.afterCommit }
  })
}

/**
 * Applies one record of a batch that keeps failing for no known reason: if it fails alone, it is
 * parked. Faults that pass by themselves, such as a database that is down, stay faults.
 */
export async function applyOrPark<W>(
  target: ConsumeTarget<W>,
  record: LogRecord,
  positions: Positions,
): Promise<Applied> {
  const process: ProcessWork<W> = async (tx, work) => {
    try {
      return await target.process(tx, work)
    } catch (error) {
      const passing = (error as { retryable?: boolean }).retryable || isConnectionFault(error)
      if (passing || isRetryableConflict(error) || error instanceof ParkError) throw error
      const cause = error instanceof Error ? error.message : String(error)
      throw new ParkError([{ record, kind: 'unprocessable', cause }])
    }
  }
  return applyBatch({ ...target, process }, [record], positions)
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

function routeRecords<W>(
  target: ConsumeTarget<W>,
  records: readonly LogRecord[],
): { routed: RecordedWork<W>[]; refused: Map<LogRecord, Parked>; skipped: number } {
  const routed: RecordedWork<W>[] = []
  const refused = new Map<LogRecord, Parked>()
  let skipped = 0
  for (const record of records) {
    const it = route(target, record)
    if (it.kind === 'work') routed.push({ work: it.work, record })
    else if (it.kind === 'parked') refused.set(record, { record, kind: it.as, cause: it.cause })
    else skipped += 1
  }
  return { routed, refused, skipped }
}

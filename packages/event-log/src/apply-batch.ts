import type { BatchResult } from '@caudal/batching/process-batch.ts'
import type { ParseEvent } from '@caudal/contracts/parse-event.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import { isRetryable } from '@caudal/retry/is-retryable.ts'
import { advanceOffsets, advancesOf, type Positions } from './advance-offsets.ts'
import type { ConsumerId } from './consumer-id.ts'
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
  /** The type of each skipped record; `unknown` where the catalogue has none. */
  skipped: readonly string[]
  parked: readonly Parked[]
  afterCommit: FollowUp | undefined
}

/** Who consumes: the group, its handlers, and the spine that takes their work. */
export type ConsumeTarget<W> = ConsumerId & {
  db: Db
  handlers: Handlers<W>
  parse?: ParseEvent | undefined
  process: ProcessWork<W>
}

/** A unit of work and the record that it was made of. */
type RecordedWork<W> = { work: W; record: LogRecord; newerPatch: boolean }

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
  const newer = new Set(routed.filter((it) => it.newerPatch).map((it) => it.record))
  for (;;) {
    try {
      const applied = await attemptBatch(target, records, { routed, refused, positions })
      return { ...applied, skipped }
    } catch (error) {
      if (!(error instanceof ParkError)) throw error
      const before = refused.size
      for (const it of error.parked) {
        const waits = it.kind === 'unprocessable' && newer.has(it.record)
        refused.set(it.record, waits ? { ...it, kind: 'newer' } : it)
      }
      if (refused.size === before) throw new Error('parked twice', { cause: error })
    }
  }
}

async function attemptBatch<W>(
  { db, process, ...consumer }: ConsumeTarget<W>,
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
    const blocked = await advanceOffsets(tx, consumer, advancesOf(records, positions), keys)
    const parked =
      blocked.size + refused.size > 0 ? selectParked(records, routed, { refused, blocked }) : []
    const aside = new Set(parked.map((it) => it.record))
    const due = aside.size === 0 ? routed : routed.filter(({ record }) => !aside.has(record))
    const work = due.map((it) => it.work)
    const result = work.length > 0 ? await process(tx, work) : undefined
    if (parked.length > 0) await parkRecords(tx, consumer, parked)
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
      if (isRetryable(error) || error instanceof ParkError) throw error
      const cause = error instanceof Error ? error.message : String(error)
      throw new ParkError([{ record, kind: 'unprocessable', cause }])
    }
  }
  return applyBatch({ ...target, process }, [record], positions)
}

/**
 * The refused records and all work that comes behind a parked record of its topic and key. A record
 * that is skipped has no effect, so it need not wait.
 */
function selectParked<W>(
  records: readonly LogRecord[],
  routed: readonly RecordedWork<W>[],
  { refused, blocked }: { refused: ReadonlyMap<LogRecord, Parked>; blocked: ReadonlySet<string> },
): Parked[] {
  const work = new Set(routed.map((it) => it.record))
  const closed = new Set(blocked)
  const parked: Parked[] = []
  for (const record of records) {
    const key = `${record.topic} ${record.key}`
    const own = refused.get(record)
    if (own) parked.push(own)
    else if (work.has(record) && closed.has(key)) {
      parked.push({ record, kind: 'waiting', cause: 'an earlier record of this key is parked' })
    } else continue
    closed.add(key)
  }
  return parked
}

function routeRecords<W>(
  target: ConsumeTarget<W>,
  records: readonly LogRecord[],
): { routed: RecordedWork<W>[]; refused: Map<LogRecord, Parked>; skipped: string[] } {
  const routed: RecordedWork<W>[] = []
  const refused = new Map<LogRecord, Parked>()
  const skipped: string[] = []
  for (const record of records) {
    const it = route(target, record)
    if (it.kind === 'work') routed.push({ ...it, record })
    else if (it.kind === 'parked') refused.set(record, { record, kind: it.as, cause: it.cause })
    else skipped.push(it.type)
  }
  return { routed, refused, skipped }
}

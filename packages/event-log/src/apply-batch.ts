import type { BatchResult } from '@caudal/batching/process-batch.ts'
import type { ParseEvent } from '@caudal/contracts/parse-event.ts'
import { crashPoint } from '@caudal/crash-points/crash-point.ts'
import type { Step } from '@caudal/crash-points/steps.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import { isRetryable } from '@caudal/retry/is-retryable.ts'
import {
  advanceOffsets,
  advancesOf,
  type BatchKeys,
  type BlockedKeys,
  type Positions,
} from './advance-offsets.ts'
import type { ConsumerId } from './consumer-id.ts'
import type { LogRecord } from './event-log.ts'
import type { OrderBy } from './order-key.ts'
import { type OrderedParked, ParkError } from './park-error.ts'
import { parkRecords } from './park-records.ts'
import { type Handlers, route } from './router.ts'
import { storableKey } from './storable.ts'

/** Work that follows from effects; runs once they are committed, and only then. */
export type FollowUp = () => void

/**
 * The service's spine without its dependencies; runs in the transaction that moves the offsets. It
 * may run again, so its effects are in the transaction or in `afterCommit`.
 */
export type ProcessWork<W> = (tx: Tx, work: readonly W[]) => Promise<BatchResult<unknown>>

export type AppliedBatch = {
  processed: number
  /** The type of each skipped record; `unknown` where the catalogue has none. */
  skipped: readonly string[]
  parked: readonly OrderedParked[]
  afterCommit: FollowUp | undefined
}

/** Who consumes: the group, its handlers, and the spine that takes their work. */
export type ConsumeTarget<W> = ConsumerId & {
  db: Db
  handlers: Handlers<W>
  orderBy: OrderBy
  parse?: ParseEvent | undefined
  process: ProcessWork<W>
}

/** A unit of work and the record that it was made of. */
type RecordedWork<W> = { work: W; record: LogRecord; orderKey: string; newerPatch: boolean }

/**
 * Applies records in one transaction: offsets move by compare-and-set, `process` writes its
 * effects, what cannot be processed is parked together with what follows it under its order key.
 */
export async function applyBatch<W>(
  target: ConsumeTarget<W>,
  records: readonly LogRecord[],
  positions: Positions,
): Promise<AppliedBatch> {
  const { routed, refused, skipped } = routeRecords(target, records)
  for (;;) {
    try {
      const applied = await attemptBatch(target, records, { routed, refused, positions })
      return { ...applied, skipped }
    } catch (error) {
      if (!(error instanceof ParkError)) throw error
      refuse(routed, error, refused)
    }
  }
}

/** Adds what the spine has refused to what the router has. */
function refuse<W>(
  routed: readonly RecordedWork<W>[],
  error: ParkError,
  refused: Map<LogRecord, OrderedParked>,
): void {
  const before = refused.size
  const work = new Map(routed.map((it) => [it.record, it]))
  for (const it of error.parked) {
    const { orderKey, newerPatch } = work.get(it.record)!
    const kind = it.kind === 'unprocessable' && newerPatch ? 'newer' : it.kind
    refused.set(it.record, { ...it, kind, orderKey })
  }
  if (refused.size === before) throw new Error('parked twice', { cause: error })
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
    refused: ReadonlyMap<LogRecord, OrderedParked>
    positions: Positions
  },
): Promise<Omit<AppliedBatch, 'skipped'>> {
  const apply = async (tx: Tx): Promise<Omit<AppliedBatch, 'skipped'>> => {
    const keys = keysOf(routed)
    crashPoint('before', 'positions')
    const blocked = await advanceOffsets(tx, consumer, advancesOf(records, positions), keys)
    crashPoint('after', 'positions')
    const closed = blocked.ordered.size + blocked.unordered.size + refused.size
    const parked = closed > 0 ? selectParked(records, routed, { refused, blocked }) : []
    const aside = new Set(parked.map((it) => it.record))
    const due = aside.size === 0 ? routed : routed.filter(({ record }) => !aside.has(record))
    const work = due.map((it) => it.work)
    const result = work.length > 0 ? await process(tx, work) : undefined
    if (parked.length > 0) await parkRecords(tx, consumer, parked)
    return { processed: work.length, parked, afterCommit: result?.afterCommit }
  }
  return transaction(db, apply, () => stepsOf(records))
}

/** The batch, as a step of each topic that it has records of. */
function stepsOf(records: readonly LogRecord[]): Set<Step> {
  return new Set(records.map(({ topic }) => topic as Step))
}

function keysOf<W>(routed: readonly RecordedWork<W>[]): BatchKeys {
  return {
    orderKeys: [...new Set(routed.map((it) => it.orderKey))],
    recordKeys: [...new Set(routed.map((it) => storableKey(it.record.key)))],
  }
}

/**
 * Applies one record of a batch that keeps failing for no known reason: if it fails alone, it is
 * parked. Faults that pass by themselves, such as a database that is down, stay faults.
 */
export async function applyOrPark<W>(
  target: ConsumeTarget<W>,
  record: LogRecord,
  positions: Positions,
): Promise<AppliedBatch> {
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
 * The refused records and all work that comes behind a parked record of its topic and order key. A
 * record that is skipped has no effect, so it need not wait.
 */
function selectParked<W>(
  records: readonly LogRecord[],
  routed: readonly RecordedWork<W>[],
  { refused, blocked }: { refused: ReadonlyMap<LogRecord, OrderedParked>; blocked: BlockedKeys },
): OrderedParked[] {
  const orderKeys = new Map(routed.map((it) => [it.record, it.orderKey]))
  const closed = new Set(blocked.ordered)
  const behind = (record: LogRecord): OrderedParked | undefined => {
    const { topic, key } = record
    const orderKey = orderKeys.get(record)
    if (orderKey === undefined) return undefined
    const waits =
      closed.has(`${topic} ${orderKey}`) || blocked.unordered.has(`${topic} ${storableKey(key)}`)
    const cause = 'an earlier record of this key is parked'
    return waits ? { record, kind: 'waiting', cause, orderKey } : undefined
  }
  const parked: OrderedParked[] = []
  for (const record of records) {
    const own = refused.get(record) ?? behind(record)
    if (own === undefined) continue
    parked.push(own)
    closed.add(`${record.topic} ${own.orderKey}`)
  }
  return parked
}

function routeRecords<W>(
  target: ConsumeTarget<W>,
  records: readonly LogRecord[],
): { routed: RecordedWork<W>[]; refused: Map<LogRecord, OrderedParked>; skipped: string[] } {
  const routed: RecordedWork<W>[] = []
  const refused = new Map<LogRecord, OrderedParked>()
  const skipped: string[] = []
  for (const record of records) {
    const it = route(target, record)
    if (it.kind === 'work') routed.push({ ...it, record })
    else if (it.kind === 'parked') {
      const { as: kind, cause, orderKey } = it
      refused.set(record, { record, kind, cause, orderKey })
    } else skipped.push(it.type)
  }
  return { routed, refused, skipped }
}

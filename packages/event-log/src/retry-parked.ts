import { DatabaseUnavailableError } from '@caudal/postgres/errors.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import { isRetryable } from '@caudal/retry/is-retryable.ts'
import type { ConsumeTarget } from './apply-batch.ts'
import type { LogRecord } from './event-log.ts'
import { ParkError, type ParkKind } from './park-error.ts'
import { route } from './router.ts'
import { postponeParked, type Postponed, resolveParked } from './settle-parked.ts'
import { type DueRecord, takeDueParked } from './take-due-parked.ts'

/** Keys of one attempt at most: each gives its first record. */
const RETRY_KEYS = 200

/**
 * Tries the due parked records again until none is left: the first record of many keys in one
 * transaction, in order per key. A batch that fails for no known reason is tried record by record.
 * Returns how many were processed.
 */
export async function retryParked<W>(
  target: ConsumeTarget<W>,
  shouldStop: () => boolean,
): Promise<number> {
  let processed = 0
  while (!shouldStop()) {
    const attempt = await retryBatch(target, undefined)
    processed += attempt.processed
    processed += await retryAlone(target, attempt.toIsolate, shouldStop)
    if (attempt.taken === 0) break
  }
  return processed
}

/**
 * One record a transaction. Unlike `processIsolated`, which throws a retryable fault of the batch,
 * it isolates such a fault too: it may be of one record, and the others must not wait for it. Only
 * an unavailable database ends the attempt.
 */
async function retryAlone<W>(
  target: ConsumeTarget<W>,
  records: readonly LogRecord[],
  shouldStop: () => boolean,
): Promise<number> {
  let processed = 0
  const faults: unknown[] = []
  for (const only of records) {
    if (shouldStop()) return processed
    try {
      processed += (await retryBatch(target, only)).processed
    } catch (error) {
      if (isUnavailable(error)) throw error
      faults.push(error)
    }
  }
  if (faults.length > 0) throw faults[0]
  return processed
}

type Attempt = { taken: number; processed: number; toIsolate: readonly LogRecord[] }
type Refusals = Map<string, { kind: ParkKind; cause: string }>

async function retryBatch<W>(
  target: ConsumeTarget<W>,
  only: LogRecord | undefined,
): Promise<Attempt> {
  const refusals: Refusals = new Map()
  let taken: DueRecord[] = []
  for (;;) {
    try {
      const { processed, afterCommit } = await transaction(target.db, async (tx) => {
        taken = await takeDueParked(tx, target, { limit: RETRY_KEYS, only })
        const { work, resolved, postponed } = plan(target, taken, refusals)
        const result = work.length > 0 ? await target.process(tx, work) : undefined
        await resolveParked(tx, target, resolved)
        await postponeParked(tx, target, postponed)
        return { processed: resolved.length, afterCommit: result?.afterCommit }
      })
      afterCommit?.()
      return { taken: taken.length, processed, toIsolate: [] }
    } catch (error) {
      const [first, ...others] = taken
      if (first === undefined || isUnavailable(error)) throw error
      const before = refusals.size
      if (error instanceof ParkError) refuseParked(refusals, error)
      else if (others.length > 0) {
        return { taken: taken.length, processed: 0, toIsolate: taken.map((it) => it.record) }
      } else if (!isRetryable(error)) refusals.set(idOf(first.record), failureOf(first, error))
      if (refusals.size === before) throw error
    }
  }
}

/** There is no database: a fault of no record. */
function isUnavailable(error: unknown): boolean {
  return error instanceof DatabaseUnavailableError
}

function refuseParked(refusals: Refusals, { parked }: ParkError): void {
  for (const { record, kind, cause } of parked) refusals.set(idOf(record), { kind, cause })
}

/** A failure for no known reason may pass; an operator who asked for the attempt looks again. */
function failureOf({ redriven }: DueRecord, error: unknown): { kind: ParkKind; cause: string } {
  const cause = error instanceof Error ? error.message : String(error)
  return { kind: redriven ? 'unprocessable' : 'waiting', cause }
}

/** Which records are processed now, and which wait on or need a person. */
function plan<W>(
  target: ConsumeTarget<W>,
  taken: readonly DueRecord[],
  refusals: Refusals,
): { work: W[]; resolved: LogRecord[]; postponed: Postponed[] } {
  const work: W[] = []
  const resolved: LogRecord[] = []
  const postponed: Postponed[] = []
  for (const { record, attempts } of taken) {
    const refusal = refusals.get(idOf(record))
    const routed = route(target, record)
    if (routed.kind === 'parked') {
      postponed.push({ record, attempts, kind: routed.as, cause: routed.cause })
    } else if (refusal) {
      const newer = routed.kind === 'work' && routed.newerPatch && refusal.kind === 'unprocessable'
      postponed.push({ record, attempts, ...refusal, ...(newer && { kind: 'newer' }) })
    } else {
      if (routed.kind === 'work') work.push(routed.work)
      resolved.push(record)
    }
  }
  return { work, resolved, postponed }
}

function idOf({ topic, partition, offset }: LogRecord): string {
  return `${topic} ${partition} ${offset}`
}

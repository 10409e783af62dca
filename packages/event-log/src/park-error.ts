import type { LogRecord } from './event-log.ts'

/**
 * `waiting`: its predecessor has not come yet; `newer`: a later release wrote it, so it is tried
 * again after a deploy; `unprocessable`: a person must look at it (a dead letter).
 */
export const PARK_KINDS = ['waiting', 'newer', 'unprocessable'] as const

export type ParkKind = (typeof PARK_KINDS)[number]

/** A record that is put aside, with a cause that a person can read (F5). */
export type Parked = { record: LogRecord; kind: ParkKind; cause: string }

/** A parked record with what later records wait behind it for. */
export type OrderedParked = Parked & { orderKey: string }

/**
 * Thrown by a consumer's `process` for records that it cannot process. The transaction rolls back;
 * the batch is applied again without them and those behind them with the same order key, and in
 * that transaction they are parked (rule 11).
 */
export class ParkError extends Error {
  readonly code = 'PARK_RECORDS'
  readonly parked: readonly Parked[]
  constructor(parked: readonly Parked[]) {
    super(`${parked.length} records cannot be processed: ${parked[0]?.cause}`)
    this.name = 'ParkError'
    this.parked = parked
  }
}

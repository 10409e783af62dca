import type { CheckpointPosition } from './checkpoint.ts'

/**
 * SQL for the time of the checkpoint; all times without one. Rows of the ledger of an earlier time
 * never change, which the digests of the checkpoint prove.
 */
export function timeOf(since: CheckpointPosition | undefined): string {
  return since === undefined ? `'-infinity'::timestamptz` : `'${since.bookedFrom}'::timestamptz`
}

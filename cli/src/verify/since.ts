import type { CheckpointPosition } from './checkpoint.ts'

/**
 * SQL for the time of the checkpoint; all times without one. Rows of the ledger of an earlier time
 * never change, which the digests of the checkpoint prove.
 */
export function timeOf(since: CheckpointPosition | undefined): string {
  return since === undefined ? `'-infinity'::timestamptz` : `'${since.bookedFrom}'::timestamptz`
}

/** SQL for the columns `available` and `held`: what a group of entries adds to both balances. */
export const ADDED_BY_ENTRIES = `
  coalesce(sum(amount_minor) FILTER (WHERE balance = 'available'), 0) AS available,
  coalesce(sum(amount_minor) FILTER (WHERE balance = 'held'), 0) AS held`

/**
 * SQL for what the entries of a table changed, by account. Without it an account has the balances
 * that it had before the version `first_version`.
 */
export function changesIn(entries: string): string {
  return `
    SELECT account_id, min(account_version) AS first_version, ${ADDED_BY_ENTRIES}
    FROM ${entries} GROUP BY account_id`
}

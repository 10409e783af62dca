import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { accountGroup, type AccountKind } from '../domain/account.ts'
import { type LedgerState, transferName } from '../domain/ledger-state.ts'

interface Row {
  transfer_id: string
  tenant_id: string
  account_id: string
  kind: AccountKind
  psp: string | null
  currency: string
  effect_minor: string
  corrected_minor: string
  is_original: boolean
}

/** Keeps these advisory locks apart from others of the database. */
const LOCK_SEED = 41

/**
 * Locks the transfers that corrections name until the transaction ends, so that two corrections of
 * one are decided one after the other, whichever accounts and slots they move. Comes before the
 * locks of rule 6, in one order. Transfers never change, so there is no row of them to lock.
 */
export async function lockOriginals(tx: Tx, transferIds: readonly string[]): Promise<void> {
  if (transferIds.length === 0) return
  const statement = sql`
    SELECT pg_advisory_xact_lock(key) FROM (
      SELECT DISTINCT hashtextextended(id::text, ${LOCK_SEED}::bigint) AS key
      FROM unnest(${uuidArray(transferIds, (id) => id)}::uuid[]) AS id
      ORDER BY key
    ) k`
  await tx.query(named('lock-originals', statement))
}

/**
 * Puts the transfers that corrections name into the state, with the sums of what they and all their
 * corrections did to each account: one query for the batch. Their locks must be held. Entries have
 * no index by transfer; by the time of booking the few blocks that they can be in are known.
 */
export async function loadOriginals(
  tx: Tx,
  state: LedgerState,
  transferIds: readonly string[],
): Promise<void> {
  if (transferIds.length === 0) return
  const statement = sql`
    WITH originals AS MATERIALIZED (
      SELECT transfer_id, tenant_id, booked_at FROM transfers
      WHERE transfer_id = ANY(${uuidArray(transferIds, (id) => id)}::uuid[])
    ), moved AS MATERIALIZED (
      SELECT transfer_id AS original_id, transfer_id, booked_at, false AS corrects FROM originals
      UNION ALL
      SELECT o.transfer_id, c.transfer_id, c.booked_at, true
      FROM originals o JOIN transfers c ON c.corrects_id = o.transfer_id
    ), sums AS MATERIALIZED (
      SELECT m.original_id, e.account_id,
        coalesce(sum(e.amount_minor) FILTER (WHERE NOT m.corrects), 0) AS effect_minor,
        coalesce(sum(e.amount_minor) FILTER (WHERE m.corrects), 0) AS corrected_minor,
        bool_or(NOT m.corrects) AS is_original
      FROM moved m CROSS JOIN LATERAL (
        SELECT account_id, amount_minor FROM entries e
        WHERE e.transfer_id = m.transfer_id AND e.booked_at = m.booked_at
      ) AS e
      GROUP BY m.original_id, e.account_id
    )
    SELECT o.transfer_id, o.tenant_id, s.account_id, a.kind, a.psp, a.currency,
      s.effect_minor::text AS effect_minor, s.corrected_minor::text AS corrected_minor,
      s.is_original
    FROM originals o
    JOIN sums s ON s.original_id = o.transfer_id
    JOIN accounts a ON a.account_id = s.account_id`
  const sums = new Map<string, { effects: Map<string, bigint>; corrected: Map<string, bigint> }>()
  const { rows } = await tx.query<Row>(named('load-originals', statement))
  for (const row of rows) {
    const name = transferName(row.tenant_id, row.transfer_id)
    let original = sums.get(name)
    if (original === undefined) {
      original = { effects: new Map(), corrected: new Map() }
      sums.set(name, original)
    }
    const group = accountGroup({ ...row, accountId: row.account_id })
    add(original.corrected, group, BigInt(row.corrected_minor))
    if (row.is_original) add(original.effects, group, BigInt(row.effect_minor))
  }
  for (const [name, original] of sums) state.originals.set(name, original)
}

function add(sums: Map<string, bigint>, group: string, minor: bigint): void {
  sums.set(group, (sums.get(group) ?? 0n) + minor)
}

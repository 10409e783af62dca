import { textArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import type { Original } from '../domain/decide-settlement.ts'
import type { Transfer } from '../domain/transfer.ts'
import { TRANSFER_COLUMNS } from './transfer-columns.ts'

/** A transfer that is due, and the behaviour that decides about it. */
export interface DueTransfer extends Transfer {
  behaviour: string
}

/** Locks and returns at most `limit` transfers that are due, in the order of their settlement. */
export async function claimDue(tx: Tx, limit: number): Promise<DueTransfer[]> {
  const { rows } = await tx.query<DueTransfer>(sql`
    SELECT ${TRANSFER_COLUMNS}, t.behaviour FROM transfers AS t
    WHERE t.state = 'received' AND t.settle_at <= now()
    ORDER BY t.settle_at, t.sequence
    LIMIT ${limit}
    FOR UPDATE SKIP LOCKED`)
  return rows
}

/**
 * Locks payments until the transaction ends, and returns them with what has come back of each. The
 * sums are read after the locks, so no other transaction can change them.
 */
export async function lockOriginals(
  tx: Tx,
  transferIds: readonly string[],
): Promise<Map<string, Original>> {
  if (transferIds.length === 0) return new Map()
  const ids = textArray(transferIds, (id) => id)
  const locked = await tx.query<Transfer & { ageMs: number }>(sql`
    SELECT ${TRANSFER_COLUMNS},
      extract(epoch FROM clock_timestamp() - coalesce(t.final_at, t.settle_at))::float8 * 1000
        AS "ageMs"
    FROM transfers AS t
    WHERE t.transfer_id = ANY (${ids}::text[]) AND t.kind = 'pay'
    ORDER BY t.transfer_id
    FOR UPDATE`)
  const sums = await tx.query<{ id: string; minor: bigint; voided: boolean }>(sql`
    SELECT original_id AS id, sum(amount_minor + charges_minor)::bigint AS minor,
      bool_or(kind = 'void') AS voided
    FROM transfers
    WHERE original_id = ANY (${ids}::text[]) AND state = 'settled'
    GROUP BY original_id`)
  const backOf = new Map(sums.rows.map((row) => [row.id, row]))
  return new Map(
    locked.rows.map(({ ageMs, ...transfer }) => {
      const { minor = 0n, voided = false } = backOf.get(transfer.transferId) ?? {}
      return [transfer.transferId, { transfer, ageMs, backMinor: minor, voided }]
    }),
  )
}

/** Stores the final states. */
export async function finishTransfers(tx: Tx, transfers: readonly Transfer[]): Promise<void> {
  await tx.query(sql`
    UPDATE transfers
    SET state = input.state, code = coalesce(input.code, transfers.code),
      final_at = clock_timestamp()
    FROM unnest(
      ${textArray(transfers, (transfer) => transfer.transferId)}::text[],
      ${textArray(transfers, (transfer) => transfer.state)}::text[],
      ${textArray(transfers, (transfer) => transfer.code)}::text[]
    ) AS input (id, state, code)
    WHERE transfer_id = input.id`)
}

/** Milliseconds until the next transfer is due; null if there is none. */
export async function msUntilSettlement(db: Db): Promise<number | null> {
  const { rows } = await db.query<{ ms: number | null }>(sql`
    SELECT extract(epoch FROM min(settle_at) - now())::float8 * 1000 AS ms
    FROM transfers WHERE state = 'received'`)
  return rows[0]?.ms ?? null
}

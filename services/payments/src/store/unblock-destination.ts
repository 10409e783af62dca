import type { Actor } from '@caudal/contracts/actor.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Destination } from '../domain/decide-requests.ts'

/** Who unblocks a destination, and why. */
export type Unblock = { destination: Destination; reason: string; actor: Actor }

/**
 * Unblocks a destination and records by whom and why. Returns since when it is unblocked, which a
 * repeat does not change; null if it was never blocked.
 */
export async function unblockDestination(
  db: Db,
  { destination, reason, actor }: Unblock,
): Promise<Date | null> {
  const { tenantId, serviceBankCode, serviceAccountNumber } = destination
  const named = sql`service_account_number = ${serviceAccountNumber}
    AND service_bank_code = ${serviceBankCode} AND tenant_id = ${tenantId}`
  await db.query(sql`
    WITH unblocked AS (
      UPDATE blocked_destinations SET unblocked_at = statement_timestamp()
      WHERE ${named} AND unblocked_at IS NULL
      RETURNING tenant_id, service_bank_code, service_account_number, return_id
    )
    INSERT INTO destination_unblocks (tenant_id, service_bank_code, service_account_number,
      return_id, reason, actor_type, actor_id)
    SELECT *, ${reason}::text, ${actor.type}::text, ${actor.id}::text FROM unblocked`)
  const { rows } = await db.query<{ unblocked_at: Date | null }>(
    sql`SELECT unblocked_at FROM blocked_destinations WHERE ${named}`,
  )
  return rows[0]?.unblocked_at ?? null
}

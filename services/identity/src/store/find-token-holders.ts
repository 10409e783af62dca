import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'

/** Which of the ids are users of the tenant; they are noted as holders of a token from now on. */
export async function findTokenHolders(
  db: Db,
  tenantId: string,
  userIds: readonly string[],
): Promise<Set<string>> {
  // Sorted, so that two requests for the same users cannot deadlock.
  const statement = sql`
    INSERT INTO token_holders AS known (tenant_id, user_id, issued_at)
    SELECT tenant_id, user_id, clock_timestamp() FROM users
    WHERE tenant_id = ${tenantId} AND user_id = ANY (${userIds}::uuid[])
    ORDER BY user_id
    ON CONFLICT (tenant_id, user_id) DO UPDATE SET issued_at = excluded.issued_at
    RETURNING user_id`
  const { rows } = await db.query<{ user_id: string }>(named('find-token-holders', statement))
  return new Set(rows.map((row) => row.user_id))
}

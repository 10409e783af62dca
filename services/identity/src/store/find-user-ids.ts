import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'

/** Which of the ids are users of the tenant. */
export async function findUserIds(
  db: Db,
  tenantId: string,
  userIds: readonly string[],
): Promise<Set<string>> {
  const statement = sql`
    SELECT user_id FROM users
    WHERE tenant_id = ${tenantId} AND user_id = ANY (${userIds}::uuid[])`
  const { rows } = await db.query<{ user_id: string }>(named('find-user-ids', statement))
  return new Set(rows.map((row) => row.user_id))
}

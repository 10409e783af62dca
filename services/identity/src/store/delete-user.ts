import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'

/** Deletes a user with its devices, and so revokes its tokens; false if there is no such user. */
export async function deleteUser(db: Db, tenantId: string, userId: string): Promise<boolean> {
  const { rowCount } = await db.query(sql`
    WITH deleted AS (
      DELETE FROM users WHERE tenant_id = ${tenantId} AND user_id = ${userId}
      RETURNING tenant_id, user_id
    )
    INSERT INTO revoked_subjects (kind, tenant_id, subject)
    SELECT 'user', tenant_id, user_id::text FROM deleted
    ON CONFLICT (kind, tenant_id, subject) DO UPDATE SET revoked_at = clock_timestamp()`)
  return rowCount === 1
}

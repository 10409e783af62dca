import type { Db } from '@caudal/postgres/types.ts'

const FIND = {
  name: 'find-user-ids',
  text: 'SELECT user_id FROM users WHERE tenant_id = $1 AND user_id = ANY ($2::uuid[])',
}

/** Which of the ids are users of the tenant. */
export async function findUserIds(
  db: Db,
  tenantId: string,
  userIds: readonly string[],
): Promise<Set<string>> {
  const { rows } = await db.query<{ user_id: string }>({ ...FIND, values: [tenantId, userIds] })
  return new Set(rows.map((row) => row.user_id))
}

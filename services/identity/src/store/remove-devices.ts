import type { Db } from '@caudal/postgres/types.ts'

/** Removes the devices that have these tokens (P6: a dead token); returns how many there were. */
export async function removeDevices(
  db: Db,
  tenantId: string,
  tokens: readonly string[],
): Promise<number> {
  const { rowCount } = await db.query(
    'DELETE FROM devices WHERE tenant_id = $1 AND token = ANY ($2::text[])',
    [tenantId, tokens],
  )
  return rowCount ?? 0
}

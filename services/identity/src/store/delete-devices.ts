import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'

/** Removes the devices that have these tokens (P6: a dead token); returns how many there were. */
export async function deleteDevices(
  db: Db,
  tenantId: string,
  tokens: readonly string[],
): Promise<number> {
  const { rowCount } = await db.query(
    sql`DELETE FROM devices WHERE tenant_id = ${tenantId} AND token = ANY (${tokens}::text[])`,
  )
  return rowCount ?? 0
}

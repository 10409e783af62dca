import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Refund } from '../domain/refund.ts'
import { REFUND_COLUMNS, type RefundRow, toRefund } from './refund-row.ts'

/** The refund of the tenant, and of the user if one is given; undefined when there is none. */
export async function findRefund(
  db: Db,
  owner: { tenantId: string; userId?: string },
  refundId: string,
): Promise<Refund | undefined> {
  const ofUser = owner.userId === undefined ? sql`` : sql`AND user_id = ${owner.userId}`
  const { rows } = await db.query<RefundRow>(sql`
    SELECT ${REFUND_COLUMNS} FROM refunds
    WHERE refund_id = ${refundId} AND tenant_id = ${owner.tenantId} ${ofUser}`)
  return rows[0] && toRefund(rows[0])
}

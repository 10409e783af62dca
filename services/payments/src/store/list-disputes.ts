import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Dispute } from '../domain/dispute.ts'
import { type DisputeRow, toDispute } from './load-disputes.ts'

/** The disputes of a payment, newest first, `limit` at most. */
export async function listDisputes(db: Db, paymentId: string, limit: number): Promise<Dispute[]> {
  const { rows } = await db.query<DisputeRow>(sql`
    SELECT * FROM disputes WHERE payment_id = ${paymentId}
    ORDER BY received_at DESC, dispute_id DESC
    LIMIT ${limit}`)
  return rows.map(toDispute)
}

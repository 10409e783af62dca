import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { Transfer } from '../domain/transfer.ts'
import { TRANSFER_COLUMNS } from './transfer-columns.ts'

/** Settles the first payment of a client's id that was rejected; undefined if there is none. */
export async function settleRejected(tx: Tx, ref: string): Promise<Transfer | undefined> {
  const { rows } = await tx.query<Transfer>(sql`
    UPDATE transfers AS t SET state = 'settled', code = NULL, final_at = clock_timestamp()
    FROM (
      SELECT transfer_id FROM transfers
      WHERE ref = ${ref}::uuid AND kind = 'pay' AND state = 'rejected'
      ORDER BY sequence LIMIT 1 FOR UPDATE
    ) AS rejected
    WHERE t.transfer_id = rejected.transfer_id
    RETURNING ${TRANSFER_COLUMNS}`)
  return rows[0]
}

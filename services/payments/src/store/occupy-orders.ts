import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { isUniqueViolation } from '@caudal/postgres/errors.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { UNIQUE_CONSTRAINTS } from './save-requests.ts'

/** Each attempt is lost to another payment that was accepted meanwhile: a few are enough. */
const ATTEMPTS_AT_MOST = 6

/**
 * Lets failed payments occupy their orders again, and returns those that do: the order was free.
 * The unique index decides against a payment that is being accepted: the statement waits for that
 * one, and if it was faster, is repeated behind a savepoint and finds it. Of several failed
 * payments of one order one gets it.
 */
export async function occupyOrdersAgain(
  tx: Tx,
  paymentIds: readonly string[],
): Promise<Set<string>> {
  for (let attempt = 1; ; attempt += 1) {
    await tx.query('SAVEPOINT occupy_orders')
    try {
      const occupying = await occupy(tx, paymentIds)
      await tx.query('RELEASE SAVEPOINT occupy_orders')
      return occupying
    } catch (error) {
      const isTaken = isUniqueViolation(error, UNIQUE_CONSTRAINTS.order)
      if (!isTaken || attempt === ATTEMPTS_AT_MOST) throw error
      await tx.query('ROLLBACK TO SAVEPOINT occupy_orders')
    }
  }
}

async function occupy(tx: Tx, paymentIds: readonly string[]): Promise<Set<string>> {
  const { rows } = await tx.query<{ payment_id: string }>(sql`
    UPDATE payments SET order_freed = false, late_capture = 'RECOVERING'
    WHERE payment_id IN (
      SELECT DISTINCT ON (failed.external_order_id, failed.tenant_id) failed.payment_id
      FROM payments failed
      WHERE failed.payment_id = ANY(${uuidArray(paymentIds, (paymentId) => paymentId)}::uuid[])
        AND failed.order_freed
        AND NOT EXISTS (
          SELECT FROM payments other
          WHERE other.external_order_id = failed.external_order_id
            AND other.tenant_id = failed.tenant_id AND NOT other.order_freed
        )
      ORDER BY failed.external_order_id, failed.tenant_id, failed.payment_id
    )
    RETURNING payment_id`)
  return new Set(rows.map((row) => row.payment_id))
}

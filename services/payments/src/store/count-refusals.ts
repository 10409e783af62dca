import { intArray, textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { PaymentRequest } from '../domain/decide-requests.ts'

type Refused = Pick<PaymentRequest, 'tenantId' | 'userId'>
type Counted = { tenant_id: string; user_id: string; refusals: number }

/**
 * Counts refusals to the days of their users, in one statement, and returns those of them that are
 * beyond the `perDay` that are stored for a user: the last ones of each user.
 */
export async function countRefusals<R extends Refused>(
  tx: Tx,
  refused: readonly R[],
  perDay: number,
): Promise<R[]> {
  const byUser = Map.groupBy(refused, ({ tenantId, userId }) => `${userId} ${tenantId}`)
  const users = [...byUser.values()]
  // Sorted, so that two batches with the same users cannot deadlock.
  const { rows } = await tx.query<Counted>(sql`
    INSERT INTO refusal_counts AS known (user_id, tenant_id, day, refusals)
    SELECT user_id, tenant_id, (clock_timestamp() AT TIME ZONE 'UTC')::date, refusals
    FROM unnest(
      ${uuidArray(users, ([first]) => first!.userId)}::uuid[],
      ${textArray(users, ([first]) => first!.tenantId)}::text[],
      ${intArray(users, ({ length }) => length)}::int[]
    ) AS counted (user_id, tenant_id, refusals)
    ORDER BY user_id, tenant_id
    ON CONFLICT (user_id, tenant_id) DO UPDATE SET
      day = excluded.day,
      refusals = excluded.refusals
        + CASE WHEN known.day = excluded.day THEN least(known.refusals, ${perDay}) ELSE 0 END
    RETURNING user_id, tenant_id, refusals`)
  return rows.flatMap(({ user_id: userId, tenant_id: tenantId, refusals }) => {
    const own = byUser.get(`${userId} ${tenantId}`)!
    const beyond = Math.min(own.length, Math.max(0, refusals - perDay))
    return own.slice(own.length - beyond)
  })
}

import { UUID_FORM } from '@caudal/contracts/uuid-schema.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'

/** How many different messages devices received for the end of a payment, and the last time. */
export interface MessageCount {
  paymentId: string
  messages: number
  lastAt: Date
}

/**
 * Counts the messages of at most `limit` payments by payment id, after the id `after`. A push names
 * its payment in any text; only ids in their one spelling sort like ids. A message that names its
 * event is not about the end of the payment, but about a refund or a return of it.
 */
export async function countMessages(
  db: Db,
  filter: { after: string | null; limit: number },
): Promise<MessageCount[]> {
  const { after, limit } = filter
  const { rows } = await db.query<MessageCount>(sql`
    SELECT payment_id AS "paymentId", count(DISTINCT message_id)::integer AS messages,
      max(received_at) AS "lastAt"
    FROM messages
    WHERE payment_id ~ ${UUID_FORM} AND NOT data ? 'event'
      AND (${after}::text IS NULL OR payment_id > ${after})
    GROUP BY payment_id
    ORDER BY payment_id
    LIMIT ${limit}`)
  return rows
}

/** The number of different messages about ends of payments up to an id, and a hash of them. */
export async function totalMessages(
  db: Db,
  to: string,
): Promise<{ rows: string; minor: string; hash: string }> {
  const { rows } = await db.query<{ rows: string; minor: string; hash: string }>(sql`
    SELECT count(*)::text AS rows, '0' AS minor,
      coalesce(sum(hash_record_extended(m, 0)), 0)::text AS hash
    FROM (
      SELECT DISTINCT payment_id, message_id FROM messages
      WHERE payment_id ~ ${UUID_FORM} AND NOT data ? 'event' AND payment_id <= ${to}
    ) m`)
  return rows[0]!
}

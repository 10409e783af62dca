import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Push } from '../domain/push.ts'

/** An accepted delivery. */
export interface DeliveredMessage extends Push {
  deliveryId: bigint
  receivedAt: Date
}

/** Lists at most `limit` deliveries, oldest first, after the id `after`. */
export async function listMessages(
  db: Db,
  filter: { userId: string | null; paymentId: string | null; after: bigint | null; limit: number },
): Promise<DeliveredMessage[]> {
  const { userId, paymentId, after, limit } = filter
  const { rows } = await db.query<DeliveredMessage>(sql`
    SELECT delivery_id AS "deliveryId", message_id AS "messageId", platform,
      device_token AS "deviceToken", user_id AS "userId", payment_id AS "paymentId", title, body,
      data, received_at AS "receivedAt"
    FROM messages
    WHERE (${userId}::text IS NULL OR user_id = ${userId})
      AND (${paymentId}::text IS NULL OR payment_id = ${paymentId})
      AND (${after}::bigint IS NULL OR delivery_id > ${after})
    ORDER BY delivery_id
    LIMIT ${limit}`)
  return rows
}

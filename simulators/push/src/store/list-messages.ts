import type { Db } from '@caudal/postgres/types.ts'
import type { Push } from '../domain/push.ts'

/** A delivery that was accepted. */
export interface DeliveredMessage extends Push {
  deliveryId: bigint
  receivedAt: Date
}

const LIST_MESSAGES = `
  SELECT delivery_id AS "deliveryId", message_id AS "messageId", platform,
    device_token AS "deviceToken", user_id AS "userId", payment_id AS "paymentId", title, body,
    data, received_at AS "receivedAt"
  FROM messages
  WHERE ($1::text IS NULL OR user_id = $1)
    AND ($2::text IS NULL OR payment_id = $2)
    AND ($3::bigint IS NULL OR delivery_id > $3)
  ORDER BY delivery_id
  LIMIT $4`

/** Deliveries, oldest first, behind `after`; at most `limit`. */
export async function listMessages(
  db: Db,
  filter: { userId: string | null; paymentId: string | null; after: bigint | null; limit: number },
): Promise<DeliveredMessage[]> {
  const { userId, paymentId, after, limit } = filter
  const { rows } = await db.query<DeliveredMessage>(LIST_MESSAGES, [
    userId,
    paymentId,
    after,
    limit,
  ])
  return rows
}

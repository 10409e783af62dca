import { textArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { type Push, withoutNul } from '../domain/push.ts'

/** Stores deliveries in one statement. They are durable when it returns. */
export async function recordMessages(db: Db, pushes: readonly Push[]): Promise<void> {
  if (pushes.length === 0) return
  const statement = sql`
    INSERT INTO messages (
      message_id, platform, device_token, user_id, payment_id, title, body, data
    )
    SELECT message_id, platform, device_token, user_id, payment_id, title, body, data::jsonb
    FROM unnest(
      ${textArray(pushes, (push) => push.messageId)}::text[],
      ${textArray(pushes, (push) => push.platform)}::text[],
      ${textArray(pushes, (push) => push.deviceToken)}::text[],
      ${textArray(pushes, (push) => push.userId)}::text[],
      ${textArray(pushes, (push) => push.paymentId)}::text[],
      ${textArray(pushes, (push) => push.title)}::text[],
      ${textArray(pushes, (push) => push.body)}::text[],
      ${textArray(pushes, (push) => JSON.stringify(push.data, storable))}::text[]
    ) AS m (message_id, platform, device_token, user_id, payment_id, title, body, data)`
  await db.query(named('record-messages', statement))
}

function storable(_name: string, value: unknown): unknown {
  if (typeof value === 'string') return withoutNul(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [withoutNul(name), member as unknown]),
  )
}

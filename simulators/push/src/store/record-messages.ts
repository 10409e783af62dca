import { textArray } from '@caudal/postgres/array-parameter.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { type Push, withoutNul } from '../domain/push.ts'

const RECORD_MESSAGES = `
  INSERT INTO messages (
    message_id, platform, device_token, user_id, payment_id, title, body, data
  )
  SELECT message_id, platform, device_token, user_id, payment_id, title, body, data::jsonb
  FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]
  ) AS m (message_id, platform, device_token, user_id, payment_id, title, body, data)`

/** Records deliveries in one statement; they are durable when it returns. */
export async function recordMessages(db: Db, pushes: readonly Push[]): Promise<void> {
  if (pushes.length === 0) return
  await db.query({
    name: 'record-messages',
    text: RECORD_MESSAGES,
    values: [
      textArray(pushes, (push) => push.messageId),
      textArray(pushes, (push) => push.platform),
      textArray(pushes, (push) => push.deviceToken),
      textArray(pushes, (push) => push.userId),
      textArray(pushes, (push) => push.paymentId),
      textArray(pushes, (push) => push.title),
      textArray(pushes, (push) => push.body),
      textArray(pushes, (push) => JSON.stringify(push.data, storable)),
    ],
  })
}

function storable(_name: string, value: unknown): unknown {
  if (typeof value === 'string') return withoutNul(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [withoutNul(name), member as unknown]),
  )
}

import type { Db } from '@caudal/postgres/types.ts'
import { type Push, withoutNul } from '../domain/push.ts'

const RECORD_MESSAGES = `
  INSERT INTO messages (
    message_id, platform, device_token, user_id, payment_id, title, body, data
  )
  SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[]
  )`

/** Records deliveries in one statement; they are durable when it returns. */
export async function recordMessages(db: Db, pushes: readonly Push[]): Promise<void> {
  if (pushes.length === 0) return
  await db.query({
    name: 'record-messages',
    text: RECORD_MESSAGES,
    values: [
      pushes.map((push) => push.messageId),
      pushes.map((push) => push.platform),
      pushes.map((push) => push.deviceToken),
      pushes.map((push) => push.userId),
      pushes.map((push) => push.paymentId),
      pushes.map((push) => push.title),
      pushes.map((push) => push.body),
      pushes.map((push) => JSON.stringify(push.data, storable)),
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

import type { Db } from '@caudal/postgres/types.ts'
import { refusalKey } from '../domain/plan-pushes.ts'
import type { Push } from '../domain/push.ts'

const CLAIM_REFUSALS = `
  INSERT INTO refusals (device_token, message_id)
  SELECT * FROM unnest($1::text[], $2::text[])
  ON CONFLICT (device_token, message_id) DO NOTHING
  RETURNING device_token AS "deviceToken", message_id AS "messageId"`

/**
 * Notes that these messages are refused; returns, by `refusalKey`, those refused for the first
 * time.
 */
export async function claimRefusals(db: Db, pushes: readonly Push[]): Promise<Set<string>> {
  if (pushes.length === 0) return new Set()
  const { rows } = await db.query<Push>({
    name: 'claim-refusals',
    text: CLAIM_REFUSALS,
    values: [pushes.map((push) => push.deviceToken), pushes.map((push) => push.messageId)],
  })
  return new Set(rows.map((row) => refusalKey(row)))
}

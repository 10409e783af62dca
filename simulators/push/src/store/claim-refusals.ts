import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { refusalKey } from '../domain/plan-pushes.ts'
import type { Push } from '../domain/push.ts'

/**
 * Records that these messages are refused. Returns the `refusalKey` of those that are refused for
 * the first time.
 */
export async function claimRefusals(db: Db, pushes: readonly Push[]): Promise<Set<string>> {
  if (pushes.length === 0) return new Set()
  const statement = sql`
    INSERT INTO refusals (device_token, message_id)
    SELECT * FROM unnest(
      ${pushes.map((push) => push.deviceToken)}::text[],
      ${pushes.map((push) => push.messageId)}::text[]
    )
    ON CONFLICT (device_token, message_id) DO NOTHING
    RETURNING device_token AS "deviceToken", message_id AS "messageId"`
  const { rows } = await db.query<Push>(named('claim-refusals', statement))
  return new Set(rows.map((row) => refusalKey(row)))
}

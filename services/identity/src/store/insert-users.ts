import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { NewUser } from '../domain/user.ts'

export type InsertedUser = Pick<NewUser, 'tenantId' | 'userId' | 'currencies'> & { createdAt: Date }

/** Inserts the users that are new, with their devices, in one statement; returns the new ones. */
export async function insertUsers(tx: Tx, users: readonly NewUser[]): Promise<InsertedUser[]> {
  const devices = users.flatMap((user) => user.devices.map((device) => ({ user, device })))
  // A token that another user had registered moves: the device was handed on. If a batch names it
  // twice, the later one wins. Rows are sorted, so that two batches cannot deadlock. The devices
  // have the time of their user, so that they are listed in the order of their ids.
  const { rows } = await tx.query<InsertedUser>(sql`
    WITH created AS (
      INSERT INTO users (tenant_id, user_id, locale, currencies, created_at)
      SELECT tenant_id, user_id, locale, string_to_array(currencies, ' '), clock_timestamp()
      FROM unnest(
        ${users.map((user) => user.tenantId)}::text[],
        ${users.map((user) => user.userId)}::uuid[],
        ${users.map((user) => user.locale)}::text[],
        ${users.map((user) => user.currencies.join(' '))}::text[]
      ) AS wanted (tenant_id, user_id, locale, currencies)
      ORDER BY tenant_id, user_id
      ON CONFLICT (tenant_id, user_id) DO NOTHING
      RETURNING tenant_id, user_id, currencies, created_at
    ), registered AS (
      INSERT INTO devices (device_id, tenant_id, user_id, platform, token, created_at)
      SELECT DISTINCT ON (tenant_id, token, platform)
        device_id, tenant_id, user_id, platform, token, created_at
      FROM unnest(
        ${devices.map(({ device }) => device.deviceId)}::uuid[],
        ${devices.map(({ user }) => user.tenantId)}::text[],
        ${devices.map(({ user }) => user.userId)}::uuid[],
        ${devices.map(({ device }) => device.platform)}::text[],
        ${devices.map(({ device }) => device.token)}::text[]
      ) WITH ORDINALITY
        AS wanted (device_id, tenant_id, user_id, platform, token, position)
      JOIN created USING (tenant_id, user_id)
      ORDER BY tenant_id, token, platform, position DESC
      ON CONFLICT (tenant_id, token, platform) DO UPDATE
        SET device_id = excluded.device_id, user_id = excluded.user_id,
          created_at = excluded.created_at
    )
    SELECT tenant_id AS "tenantId", user_id AS "userId", currencies, created_at AS "createdAt"
    FROM created`)
  return rows
}

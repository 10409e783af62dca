import type { Tx } from '@caudal/postgres/types.ts'
import type { NewUser } from '../domain/user.ts'

export type InsertedUser = Pick<NewUser, 'tenantId' | 'userId' | 'currencies'> & { createdAt: Date }

// A token that somebody else had registered moves: the device was handed on. Where the request
// names it twice the later wins. Rows are sorted, so that requests cannot wait in a circle.
const INSERT = `
  WITH created AS (
    INSERT INTO users (tenant_id, user_id, locale, currencies)
    SELECT tenant_id, user_id, locale, string_to_array(currencies, ' ')
    FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[])
      AS wanted (tenant_id, user_id, locale, currencies)
    ORDER BY tenant_id, user_id
    ON CONFLICT (tenant_id, user_id) DO NOTHING
    RETURNING tenant_id, user_id, currencies, created_at
  ), registered AS (
    INSERT INTO devices (device_id, tenant_id, user_id, platform, token)
    SELECT DISTINCT ON (tenant_id, token, platform) device_id, tenant_id, user_id, platform, token
    FROM unnest($5::uuid[], $6::text[], $7::uuid[], $8::text[], $9::text[]) WITH ORDINALITY
      AS wanted (device_id, tenant_id, user_id, platform, token, position)
    JOIN created USING (tenant_id, user_id)
    ORDER BY tenant_id, token, platform, position DESC
    ON CONFLICT (tenant_id, token, platform) DO UPDATE
      SET device_id = excluded.device_id, user_id = excluded.user_id, created_at = now()
  )
  SELECT tenant_id AS "tenantId", user_id AS "userId", currencies, created_at AS "createdAt"
  FROM created`

/** Inserts the users that are new, with their devices, in one statement; returns the new ones. */
export async function insertUsers(tx: Tx, users: readonly NewUser[]): Promise<InsertedUser[]> {
  const devices = users.flatMap((user) => user.devices.map((device) => ({ user, device })))
  const { rows } = await tx.query<InsertedUser>(INSERT, [
    users.map((user) => user.tenantId),
    users.map((user) => user.userId),
    users.map((user) => user.locale),
    users.map((user) => user.currencies.join(' ')),
    devices.map(({ device }) => device.deviceId),
    devices.map(({ user }) => user.tenantId),
    devices.map(({ user }) => user.userId),
    devices.map(({ device }) => device.platform),
    devices.map(({ device }) => device.token),
  ])
  return rows
}

import type { Platform } from '@caudal/contracts/device.ts'
import { textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import type { User } from '../domain/user.ts'

type UserRow = {
  tenant_id: string
  user_id: string
  locale: string
  currencies: string[]
  created_at: Date
  device_ids: string[] | null
  platforms: Platform[] | null
  tokens: string[] | null
}

/** The users with these tenants and ids, with their devices, in no particular order. */
export async function findUsers(
  db: Db | Tx,
  keys: readonly Pick<User, 'tenantId' | 'userId'>[],
): Promise<User[]> {
  const statement = sql`
    SELECT u.tenant_id, u.user_id, u.locale, u.currencies, u.created_at,
      array_agg(d.device_id::text ORDER BY d.created_at, d.device_id)
        FILTER (WHERE d.device_id IS NOT NULL) AS device_ids,
      array_agg(d.platform ORDER BY d.created_at, d.device_id)
        FILTER (WHERE d.device_id IS NOT NULL) AS platforms,
      array_agg(d.token ORDER BY d.created_at, d.device_id)
        FILTER (WHERE d.device_id IS NOT NULL) AS tokens
    FROM users u
    LEFT JOIN devices d ON d.tenant_id = u.tenant_id AND d.user_id = u.user_id
    WHERE (u.tenant_id, u.user_id) IN (
      SELECT * FROM unnest(
        ${textArray(keys, (key) => key.tenantId)}::text[],
        ${uuidArray(keys, (key) => key.userId)}::uuid[]))
    GROUP BY u.tenant_id, u.user_id`
  const { rows } = await db.query<UserRow>(named('find-users', statement))
  return rows.map(userOfRow)
}

function userOfRow(row: UserRow): User {
  const { platforms, tokens } = row
  return {
    tenantId: row.tenant_id,
    userId: row.user_id,
    locale: row.locale,
    currencies: row.currencies,
    createdAt: row.created_at,
    devices: (row.device_ids ?? []).map((deviceId, index) => ({
      deviceId,
      platform: platforms![index]!,
      token: tokens![index]!,
    })),
  }
}

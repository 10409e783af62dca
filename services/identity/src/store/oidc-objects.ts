import { type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Adapter, AdapterPayload } from 'oidc-provider'

type Row = { payload: AdapterPayload; consumed: number | null }

const LIVE = sql`(expires_at IS NULL OR expires_at > now())`

/** oidc-provider's storage of one model: rows of one table that are gone when they expire. */
export function createOidcAdapter(db: Db, model: string): Adapter {
  const findBy = async (matches: Sql) => {
    const { rows } = await db.query<Row>(sql`
      SELECT payload, extract(epoch FROM consumed_at)::float8 AS consumed
      FROM oidc_objects WHERE model = ${model} AND ${matches} AND ${LIVE}`)
    const [row] = rows
    if (row === undefined) return undefined
    return { ...row.payload, ...(row.consumed !== null && { consumed: row.consumed }) }
  }
  return {
    async upsert(id, payload, expiresIn) {
      const { grantId = null, userCode = null, uid = null } = payload
      await db.query(sql`
        INSERT INTO oidc_objects (model, id, payload, grant_id, user_code, uid, expires_at)
        VALUES (${model}, ${id}, ${JSON.stringify(payload)}, ${grantId}, ${userCode}, ${uid},
          now() + ${expiresIn ?? null}::float8 * interval '1 second')
        ON CONFLICT (model, id) DO UPDATE SET
          payload = excluded.payload, grant_id = excluded.grant_id, uid = excluded.uid,
          user_code = excluded.user_code, expires_at = excluded.expires_at`)
    },
    find: (id) => findBy(sql`id = ${id}`),
    findByUid: (uid) => findBy(sql`uid = ${uid}`),
    findByUserCode: (userCode) => findBy(sql`user_code = ${userCode}`),
    async consume(id) {
      await db.query(
        sql`UPDATE oidc_objects SET consumed_at = now() WHERE model = ${model} AND id = ${id}`,
      )
    },
    async destroy(id) {
      await db.query(sql`DELETE FROM oidc_objects WHERE model = ${model} AND id = ${id}`)
    },
    async revokeByGrantId(grantId) {
      await db.query(sql`DELETE FROM oidc_objects WHERE grant_id = ${grantId}`)
    },
  }
}

/** Deletes what has expired. */
export async function removeExpiredObjects(db: Db): Promise<void> {
  await db.query('DELETE FROM oidc_objects WHERE expires_at <= now()')
}

import type { Db } from '@caudal/postgres/types.ts'
import type { Adapter, AdapterPayload } from 'oidc-provider'

type Row = { payload: AdapterPayload; consumed: number | null }

const LIVE = '(expires_at IS NULL OR expires_at > now())'

/** oidc-provider's storage of one model: rows of one table that are gone when they expire. */
export function createOidcAdapter(db: Db, model: string): Adapter {
  const findBy = async (column: 'id' | 'uid' | 'user_code', value: string) => {
    const { rows } = await db.query<Row>(
      `SELECT payload, extract(epoch FROM consumed_at)::float8 AS consumed
       FROM oidc_objects WHERE model = $1 AND ${column} = $2 AND ${LIVE}`,
      [model, value],
    )
    const [row] = rows
    if (row === undefined) return undefined
    return { ...row.payload, ...(row.consumed !== null && { consumed: row.consumed }) }
  }
  return {
    async upsert(id, payload, expiresIn) {
      await db.query(
        `INSERT INTO oidc_objects (model, id, payload, grant_id, user_code, uid, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, now() + $7::float8 * interval '1 second')
         ON CONFLICT (model, id) DO UPDATE SET
           payload = excluded.payload, grant_id = excluded.grant_id, uid = excluded.uid,
           user_code = excluded.user_code, expires_at = excluded.expires_at`,
        [
          model,
          id,
          JSON.stringify(payload),
          payload.grantId ?? null,
          payload.userCode ?? null,
          payload.uid ?? null,
          expiresIn ?? null,
        ],
      )
    },
    find: (id) => findBy('id', id),
    findByUid: (uid) => findBy('uid', uid),
    findByUserCode: (userCode) => findBy('user_code', userCode),
    async consume(id) {
      await db.query('UPDATE oidc_objects SET consumed_at = now() WHERE model = $1 AND id = $2', [
        model,
        id,
      ])
    },
    async destroy(id) {
      await db.query('DELETE FROM oidc_objects WHERE model = $1 AND id = $2', [model, id])
    },
    async revokeByGrantId(grantId) {
      await db.query('DELETE FROM oidc_objects WHERE grant_id = $1', [grantId])
    },
  }
}

/** Deletes what has expired. */
export async function removeExpiredObjects(db: Db): Promise<void> {
  await db.query('DELETE FROM oidc_objects WHERE expires_at <= now()')
}

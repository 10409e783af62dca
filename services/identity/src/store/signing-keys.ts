import { sql } from '@caudal/postgres/sql.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import type { SigningKey } from '../domain/signing-key.ts'

/** Instances that start together must agree on the first key. */
const KEYS_LOCK = 5_402_117

/** The keys that are not retired. */
export async function findSigningKeys(db: Db | Tx): Promise<SigningKey[]> {
  const { rows } = await db.query<SigningKey>(
    `SELECT kid, private_jwk AS "privateJwk", signs_from AS "signsFrom"
     FROM signing_keys WHERE retired_at IS NULL OR retired_at > now()
     ORDER BY signs_from DESC, kid`,
  )
  return rows
}

/** The same, and no other process can add one until the transaction ends. */
export async function lockSigningKeys(tx: Tx): Promise<SigningKey[]> {
  await tx.query(sql`SELECT pg_advisory_xact_lock(${KEYS_LOCK})`)
  return findSigningKeys(tx)
}

/** Adds a key; the caller holds the lock of `lockSigningKeys`. */
export async function insertSigningKey(tx: Tx, key: SigningKey): Promise<void> {
  await tx.query(sql`
    INSERT INTO signing_keys (kid, private_jwk, signs_from)
    VALUES (${key.kid}, ${JSON.stringify(key.privateJwk)}, ${key.signsFrom})`)
}

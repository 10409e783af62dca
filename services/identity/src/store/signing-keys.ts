import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { SigningKey } from '../domain/signing-key.ts'

/** Instances that start together must agree on the first key. */
const KEYS_LOCK = 5_402_117

/** Loads the keys that are not retired, and locks the table so that no other process adds one. */
export async function lockSigningKeys(tx: Tx): Promise<SigningKey[]> {
  await tx.query(sql`SELECT pg_advisory_xact_lock(${KEYS_LOCK})`)
  const { rows } = await tx.query<SigningKey>(
    `SELECT kid, private_jwk AS "privateJwk", signs_from AS "signsFrom"
     FROM signing_keys WHERE retired_at IS NULL OR retired_at > now()
     ORDER BY signs_from DESC, kid`,
  )
  return rows
}

/** Adds a key; the caller holds the lock of `lockSigningKeys`. */
export async function insertSigningKey(tx: Tx, key: SigningKey): Promise<void> {
  await tx.query(sql`
    INSERT INTO signing_keys (kid, private_jwk, signs_from)
    VALUES (${key.kid}, ${JSON.stringify(key.privateJwk)}, ${key.signsFrom})`)
}

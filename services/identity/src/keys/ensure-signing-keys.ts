import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'
import type { SigningKey } from '../domain/signing-key.ts'
import { insertSigningKey, lockSigningKeys } from '../store/signing-keys.ts'

/**
 * The keys that tokens are signed with; the first start makes one. They live in the database, so
 * tokens survive a restart, and every instance signs with and publishes the same ones.
 */
export async function ensureSigningKeys(db: Db): Promise<SigningKey[]> {
  return transaction(db, async (tx) => {
    const known = await lockSigningKeys(tx)
    if (known.length > 0) return known
    const key = await generateSigningKey()
    await insertSigningKey(tx, key)
    return [key]
  })
}

/**
 * ES256, not RS256: signing costs a twentieth, and a token is signed once and verified once per
 * verifier, which remembers it (docs of @caudal/http); keys and tokens are a quarter of the size.
 */
async function generateSigningKey(): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const { x, y, d } = (await exportJWK(privateKey)) as { x: string; y: string; d: string }
  const privateJwk = { kty: 'EC', crv: 'P-256', x, y, d } as const
  return { kid: await calculateJwkThumbprint(privateJwk), privateJwk, signsFrom: new Date(0) }
}

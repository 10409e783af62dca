import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose'

/** The keys of the gateway's own tokens: the first signs, all are published. */
export interface SigningKeys {
  kid: string
  privateKey: KeyObject
  jwks: { keys: JWK[] }
}

const CURVE = 'prime256v1'

/**
 * Reads P-256 private keys: a JWK, a JWK set (to change keys without a gap: the new one first) or a
 * PKCS #8 PEM, whose line ends may be written as `\n`. Throws when it is none of these.
 */
export function readPrivateKeys(text: string): KeyObject[] {
  const keys = text.trimStart().startsWith('{')
    ? jwksOf(JSON.parse(text)).map((jwk) => createPrivateKey({ key: jwk, format: 'jwk' }))
    : [createPrivateKey(text.replaceAll('\\n', '\n'))]
  const fit = keys.every((key) => key.asymmetricKeyDetails?.namedCurve === CURVE)
  if (!fit || keys.length === 0) throw new Error('not a P-256 private key')
  return keys
}

/** Makes a key that lives as long as the process: enough for a single gateway. */
export function generatePrivateKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: CURVE }).privateKey
}

/**
 * The keys with their ids. An id is the key's thumbprint (RFC 7638), so replicas that share a key
 * agree on it.
 */
export async function signingKeysOf(privateKeys: readonly KeyObject[]): Promise<SigningKeys> {
  const keys = await Promise.all(
    privateKeys.map(async (privateKey) => {
      const jwk = await exportJWK(createPublicKey(privateKey))
      const kid = await calculateJwkThumbprint(jwk)
      return { privateKey, jwk: { ...jwk, kid, alg: 'ES256', use: 'sig' } }
    }),
  )
  const [first] = keys
  if (first === undefined) throw new Error('the gateway needs a signing key')
  const { privateKey, jwk } = first
  return { kid: jwk.kid, privateKey, jwks: { keys: keys.map((key) => key.jwk) } }
}

function jwksOf(parsed: unknown): JWK[] {
  const { keys } = parsed as { keys?: JWK[] }
  return keys ?? [parsed as JWK]
}

import { randomBytes } from 'node:crypto'
import type { Db } from '@caudal/postgres/types.ts'
import { importJWK, SignJWT } from 'jose'
import { userTokenClaims } from '../domain/access-token.ts'
import { type SigningKey, signingKeyAt } from '../domain/signing-key.ts'
import { findTokenHolders } from '../store/find-token-holders.ts'

export type UserToken = { userId: string; token: string; expiresAt: Date }

export type UserTokenSigner = (input: {
  tenantId: string
  userIds: readonly string[]
  clientId: string
}) => Promise<UserToken[]>

const JTI_BYTES = 16

/**
 * Makes the tokens of many users at once, the same as the token endpoint makes one by one. Ids that
 * are no users of the tenant are left out.
 */
export function createUserTokenSigner(deps: {
  db: Db
  issuer: string
  keys: () => readonly SigningKey[]
}): UserTokenSigner {
  const { db, issuer, keys } = deps
  return async ({ tenantId, userIds, clientId }) => {
    const known = await findTokenHolders(db, tenantId, userIds)
    const now = Date.now()
    const { kid, privateJwk } = signingKeyAt(keys(), now)
    const key = await importJWK(privateJwk, 'ES256')
    const sign = async (userId: string): Promise<UserToken> => {
      const jti = randomBytes(JTI_BYTES).toString('base64url')
      const claims = userTokenClaims({ tenantId, userId }, { issuer, clientId, jti, now })
      const header = { alg: 'ES256', typ: 'at+jwt', kid }
      const token = await new SignJWT(claims).setProtectedHeader(header).sign(key)
      return { userId, token, expiresAt: new Date(claims.exp * 1_000) }
    }
    return Promise.all(userIds.filter((id) => known.has(id)).map(sign))
  }
}

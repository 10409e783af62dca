import { invalidToken, type TokenVerifier } from '@caudal/http/token-verifier.ts'

/** The verifier, to which the token of a client is no valid token. */
export function ofUsers(verifier: TokenVerifier): TokenVerifier {
  return {
    checkKeys: () => verifier.checkKeys(),
    cached(token) {
      const identity = verifier.cached(token)
      return identity?.kind === 'user' ? identity : undefined
    },
    async verify(token) {
      const identity = await verifier.verify(token)
      if (identity.kind === 'user') return identity
      throw invalidToken()
    },
  }
}

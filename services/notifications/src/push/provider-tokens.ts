import { importPKCS8, SignJWT } from 'jose'

/** Apple's signing key: the .p8 file's text and its two ids. */
export type ApnsKey = { keyId: string; teamId: string; privateKey: string }

/** Apple takes a token for an hour and dislikes new ones more often than every 20 minutes. */
const RENEW_AFTER_MS = 40 * 60 * 1_000

/** Provider tokens (ES256), one for all messages until it is old. */
export function createProviderTokens({ keyId, teamId, privateKey }: ApnsKey): {
  get(): Promise<string>
  forget(): void
} {
  let current: { token: Promise<string>; madeAt: number } | undefined
  const make = async (): Promise<string> => {
    const key = await importPKCS8(privateKey, 'ES256')
    return new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', kid: keyId })
      .setIssuer(teamId)
      .setIssuedAt()
      .sign(key)
  }
  return {
    get: () => {
      if (!current || Date.now() - current.madeAt > RENEW_AFTER_MS) {
        current = { token: make(), madeAt: Date.now() }
      }
      return current.token
    },
    forget: () => (current = undefined),
  }
}

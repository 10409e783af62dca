import { shareInFlight } from '@caudal/retry/share-in-flight.ts'
import { importPKCS8, SignJWT } from 'jose'

/** Apple's signing key: the .p8 file's text and its two ids. */
export type ApnsKey = { keyId: string; teamId: string; privateKey: string }

export type ProviderTokens = {
  get(): Promise<string>
  /** Apple reported this token as expired: the next one is new, unless the last is too recent. */
  expired(token: string): void
}

/** Apple accepts a token for an hour ... */
const RENEW_AFTER_MS = 40 * 60_000
/** ... and refuses new ones more often than this (TooManyProviderTokenUpdates). */
const RENEW_AT_MOST_EVERY_MS = 20 * 60_000

/** Provider tokens (ES256), one for all notifications until it is old. */
export function createProviderTokens(
  { keyId, teamId, privateKey }: ApnsKey,
  now: () => number = Date.now,
): ProviderTokens {
  let key: ReturnType<typeof importPKCS8> | undefined
  let current: { token: string; madeAtMs: number } | undefined

  const make = shareInFlight(async () => {
    key ??= importPKCS8(privateKey, 'ES256')
    const madeAtMs = now()
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', kid: keyId })
      .setIssuer(teamId)
      .setIssuedAt(Math.floor(madeAtMs / 1_000))
      .sign(await key)
    current = { token, madeAtMs }
    return token
  })
  return {
    async get() {
      if (current && now() - current.madeAtMs < RENEW_AFTER_MS) return current.token
      return make()
    },
    expired(token) {
      const isCurrent = current?.token === token
      if (isCurrent && now() - current!.madeAtMs > RENEW_AT_MOST_EVERY_MS) current = undefined
    },
  }
}

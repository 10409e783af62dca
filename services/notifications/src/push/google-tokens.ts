import { directDispatcher } from '@caudal/http/direct-dispatcher.ts'
import { shareInFlight } from '@caudal/retry/share-in-flight.ts'
import { importPKCS8, SignJWT } from 'jose'
import { request } from 'undici'

/** The members of Google's service account key file that are used. */
export type ServiceAccount = {
  project_id: string
  client_email: string
  private_key: string
  token_uri: string
}

export type AccessTokens = {
  get(): Promise<string>
  /** FCM refused this token: makes the next one new. */
  refused(token: string): void
}

type Issued = { token: string; renewAtMs: number; expiresAtMs: number }

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging'
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const DEFAULT_LIFETIME_SECONDS = 60
/** Renewed with a tenth of its lifetime left, so that a failed renewal can be retried. */
const USABLE_SHARE = 0.9
/** Pause after a failure, in which all callers get its error without a new request. */
const FAILURE_HOLDS_MS = 500

/**
 * Access tokens by the JWT bearer grant (RFC 7523). Concurrent callers share one request. Tokens
 * are renewed before they expire; while the old one is valid, a failed renewal has no effect.
 */
export function createGoogleTokens(
  account: ServiceAccount,
  timeoutMs: number,
  now: () => number = Date.now,
): AccessTokens {
  let issued: Issued | undefined
  let failed: { error: unknown; untilMs: number } | undefined

  const renewNow = shareInFlight(async () => {
    try {
      issued = await requestToken(account, timeoutMs, now)
      failed = undefined
      return issued.token
    } catch (error) {
      failed = { error, untilMs: now() + FAILURE_HOLDS_MS }
      throw error
    }
  })
  const renew = async (): Promise<string> => {
    if (failed && now() < failed.untilMs) throw failed.error
    return renewNow()
  }
  return {
    async get() {
      if (!issued || issued.expiresAtMs <= now()) return renew()
      const { token, renewAtMs } = issued
      return now() < renewAtMs ? token : renew().catch(() => token)
    },
    refused(token) {
      if (issued?.token === token) issued = undefined
    },
  }
}

async function requestToken(
  account: ServiceAccount,
  timeoutMs: number,
  now: () => number,
): Promise<Issued> {
  const key = await importPKCS8(account.private_key, 'RS256')
  const assertion = await new SignJWT({ scope: SCOPE })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(account.client_email)
    .setAudience(account.token_uri)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(key)
  const askedAtMs = now()
  const { statusCode, body } = await request(account.token_uri, {
    method: 'POST',
    dispatcher: directDispatcher,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ grant_type: GRANT, assertion }).toString(),
    signal: AbortSignal.timeout(timeoutMs),
    reset: true, // the next one is needed in an hour
  })
  const text = await body.text()
  if (statusCode !== 200) throw new Error(`the token endpoint answered ${statusCode}`)
  const { access_token: token, expires_in: seconds } = JSON.parse(text) as Record<string, unknown>
  if (typeof token !== 'string') throw new Error('the token endpoint answered without a token')
  const lifetimeMs = (typeof seconds === 'number' ? seconds : DEFAULT_LIFETIME_SECONDS) * 1_000
  return {
    token,
    renewAtMs: askedAtMs + lifetimeMs * USABLE_SHARE,
    expiresAtMs: askedAtMs + lifetimeMs,
  }
}

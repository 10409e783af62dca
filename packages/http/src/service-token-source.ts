import { shareInFlight } from '@caudal/retry/share-in-flight.ts'
import { type Dispatcher, request } from 'undici'
import { ServiceCallError, type TokenSource } from './call-service.ts'
import { directDispatcher } from './direct-dispatcher.ts'

/** How to get tokens. */
export interface TokenSourceOptions {
  /** The full address of the token endpoint. */
  tokenUrl: string
  clientId: string
  clientSecret: string
  /** Space separated. */
  scope: string
  /** Asked for too, and done without where the issuer does not grant it: one of a later release. */
  extraScope?: string
  /** Sent as `resource` (RFC 8707) when the issuer serves several audiences. */
  resource?: string
  timeoutMs?: number
  dispatcher?: Dispatcher
  now?: () => number
}

interface Issued {
  token: string
  renewAtMs: number
  expiresAtMs: number
}

const TIMEOUT_MS = 3_000
const DEFAULT_LIFETIME_SECONDS = 60
// A token is renewed in the last fifth of its life, so that none expires during a call.
const USABLE_SHARE = 0.8

/**
 * Client-credentials tokens for calls to peers (F14): cached, fetched once for concurrent callers,
 * renewed before they expire. A failed renewal is ignored while the old token is valid; otherwise
 * it throws ServiceCallError.
 */
export function createServiceTokenSource(options: TokenSourceOptions): TokenSource {
  const { now = Date.now } = options
  let issued: Issued | undefined

  const renew = shareInFlight(async () => {
    issued = await fetchWithExtra(options, now)
    return issued.token
  })

  return async ({ renew: renewNow = false } = {}) => {
    if (issued === undefined || renewNow || issued.expiresAtMs <= now()) return renew()
    if (issued.renewAtMs > now()) return issued.token
    const { token } = issued
    return renew().catch(() => token)
  }
}

async function fetchWithExtra(options: TokenSourceOptions, now: () => number): Promise<Issued> {
  const { scope, extraScope } = options
  if (extraScope === undefined) return fetchToken(options, now)
  try {
    return await fetchToken({ ...options, scope: `${scope} ${extraScope}` }, now)
  } catch (error) {
    // RFC 6749, 5.2: invalid_scope.
    if (!(error instanceof ServiceCallError) || error.status !== 400) throw error
    return fetchToken(options, now)
  }
}

async function fetchToken(options: TokenSourceOptions, now: () => number): Promise<Issued> {
  const { tokenUrl, clientId, clientSecret, scope, resource } = options
  const { dispatcher = directDispatcher } = options
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (scope !== '') form.set('scope', scope)
  if (resource !== undefined) form.set('resource', resource)
  // RFC 6749 2.3.1: both parts are form-encoded before they are joined.
  const credentials = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`
  const askedAtMs = now()
  try {
    const { statusCode, body } = await request(tokenUrl, {
      dispatcher,
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
      },
      body: form.toString(),
      signal: AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS),
    })
    const text = await body.text()
    if (statusCode !== 200) {
      throw new ServiceCallError(`the issuer answered ${statusCode} to client ${clientId}`, {
        status: statusCode,
      })
    }
    return readToken(text, askedAtMs)
  } catch (error) {
    if (error instanceof ServiceCallError) throw error
    throw new ServiceCallError('the issuer gave no token', { cause: error })
  }
}

function readToken(text: string, askedAtMs: number): Issued {
  const { access_token: token, expires_in: seconds } = JSON.parse(text) as Record<string, unknown>
  if (typeof token !== 'string') throw new ServiceCallError('the issuer answered without a token')
  const lifetimeMs = (typeof seconds === 'number' ? seconds : DEFAULT_LIFETIME_SECONDS) * 1_000
  return {
    token,
    renewAtMs: askedAtMs + lifetimeMs * USABLE_SHARE,
    expiresAtMs: askedAtMs + lifetimeMs,
  }
}

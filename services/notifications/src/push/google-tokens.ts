import { importPKCS8, SignJWT } from 'jose'
import { request } from 'undici'

/** The members of Google's service account key file that are used. */
export type ServiceAccount = {
  project_id: string
  client_email: string
  private_key: string
  token_uri: string
}

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging'
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const RENEW_BEFORE_MS = 60_000

/** Access tokens by the JWT bearer grant (RFC 7523), cached until shortly before they expire. */
export function createGoogleTokens(
  account: ServiceAccount,
  timeoutMs: number,
): { get(): Promise<string>; forget(): void } {
  let current: Promise<{ token: string; renewAt: number }> | undefined
  const get = async (): Promise<string> => {
    const asked = (current ??= requestToken(account, timeoutMs))
    try {
      const { token, renewAt } = await asked
      if (Date.now() < renewAt) return token
    } catch (error) {
      if (current === asked) current = undefined
      throw error
    }
    if (current === asked) current = undefined
    return get()
  }
  return { get, forget: () => (current = undefined) }
}

async function requestToken(
  account: ServiceAccount,
  timeoutMs: number,
): Promise<{ token: string; renewAt: number }> {
  const key = await importPKCS8(account.private_key, 'RS256')
  const assertion = await new SignJWT({ scope: SCOPE })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(account.client_email)
    .setAudience(account.token_uri)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(key)
  const answer = await request(account.token_uri, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ grant_type: GRANT, assertion }).toString(),
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  })
  if (answer.statusCode !== 200) {
    await answer.body.dump()
    throw new Error(`the token endpoint answered ${answer.statusCode}`)
  }
  const body = (await answer.body.json()) as { access_token: string; expires_in: number }
  const lifetimeMs = body.expires_in * 1_000
  return {
    token: body.access_token,
    renewAt: Date.now() + Math.max(lifetimeMs / 2, lifetimeMs - RENEW_BEFORE_MS),
  }
}

import { SCOPE } from '@caudal/contracts/scopes.ts'
import { RefusedError } from '../errors.ts'
import type { System } from './find-system.ts'
import { callOk } from './http-client.ts'

const LOGIN_GRANT = 'urn:caudal:params:oauth:grant-type:development-login'

/** An access token and when it expires (ISO 8601). */
export type Token = { token: string; expires_at: string }

type TokenResponse = { access_token: string; expires_in: number; scope?: string }

/**
 * Requests a token with an OAuth client's secret; by default the client of the command line.
 *
 * @throws {RefusedError} naming a scope that was not granted
 */
export async function clientToken(
  system: System,
  scope: string,
  client: { id: string; secret: string } = system.client,
): Promise<Token> {
  return requestToken(system, client, { grant_type: 'client_credentials', scope })
}

/**
 * Requests a token of any client by development login, which identity refuses if it is off. The
 * tenant is `tenantId`, else the client's configured one, else the command line's.
 */
export async function anyClientToken(
  system: System,
  clientId: string,
  { scope, tenantId }: { scope: string; tenantId?: string | undefined },
): Promise<Token> {
  const { token } = await clientToken(system, `${SCOPE.usersImpersonate} ${SCOPE.tenantsAny}`)
  return callOk<Token>(`${system.serviceUrl('identity')}/v1/client-tokens`, {
    headers: bearer(token),
    body: { client_id: clientId, scope, ...(tenantId !== undefined && { tenant_id: tenantId }) },
  })
}

/**
 * Requests a user's token by development login, which identity refuses if it is off. It has all
 * user scopes, unless `scope` names some.
 */
export async function userToken(
  system: System,
  userId: string,
  tenantId: string,
  scope?: string,
): Promise<Token> {
  return requestToken(system, system.client, {
    grant_type: LOGIN_GRANT,
    user_id: userId,
    tenant_id: tenantId,
    ...(scope !== undefined && { scope }),
  })
}

async function requestToken(
  system: System,
  { id, secret }: { id: string; secret: string },
  form: Record<string, string>,
): Promise<Token> {
  const credentials = Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)
  const response = await callOk<TokenResponse>(system.tokenUrl, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials.toString('base64')}` },
    body: new URLSearchParams(form),
  })
  // OAuth servers leave out unknown scopes without an error. If the response names no scopes, the
  // token does; if neither does, all were granted (RFC 6749, 5.1).
  const scopes = response.scope ?? scopesIn(response.access_token) ?? form['scope']
  const granted = new Set(scopes?.split(' '))
  const missing = form['scope']?.split(' ').find((scope) => scope !== '' && !granted.has(scope))
  if (missing !== undefined) {
    throw new RefusedError(`client ${id} was not granted the scope ${missing}`)
  }
  const expiresAt = new Date(Date.now() + response.expires_in * 1_000)
  return { token: response.access_token, expires_at: expiresAt.toISOString() }
}

/** The claim `scope` of an access token (RFC 9068), which is not verified here. */
function scopesIn(token: string): string | undefined {
  try {
    const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
    const { scope = '' } = JSON.parse(claims) as { scope?: unknown }
    return typeof scope === 'string' ? scope : undefined
  } catch {
    return undefined
  }
}

/** The authorization header of a token. */
export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` }
}

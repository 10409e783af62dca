import type { System } from './find-system.ts'
import { callOk } from './http-client.ts'

const LOGIN_GRANT = 'urn:caudal:params:oauth:grant-type:development-login'

export type Token = { token: string; expires_at: string }

type TokenAnswer = { access_token: string; expires_in: number; scope?: string }

/**
 * A token of an OAuth client by its secret, the command line's own unless said.
 *
 * @throws {Error} naming a scope that the client does not get
 */
export async function clientToken(
  system: System,
  scope: string,
  client: { id: string; secret: string } = system.client,
): Promise<Token> {
  return requestToken(system, client, { grant_type: 'client_credentials', scope })
}

/**
 * A token of any client, by development login; identity refuses it where that is off. Its tenant is
 * the client's own by configuration, or the command line's, unless said.
 */
export async function anyClientToken(
  system: System,
  clientId: string,
  { scope, tenantId }: { scope: string; tenantId?: string | undefined },
): Promise<Token> {
  const { token } = await clientToken(system, 'users:impersonate')
  return callOk<Token>(`${system.serviceUrl('identity')}/v1/client-tokens`, {
    headers: bearer(token),
    body: { client_id: clientId, scope, ...(tenantId !== undefined && { tenant_id: tenantId }) },
  })
}

/**
 * A user's token by development login, with all scopes of people unless some are named; identity
 * refuses it where that is switched off.
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
  const answer = await callOk<TokenAnswer>(`${system.serviceUrl('identity')}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials.toString('base64')}` },
    body: new URLSearchParams(form),
  })
  // OAuth servers leave out what does not exist without a word.
  const granted = new Set(answer.scope?.split(' '))
  const missing = form['scope']?.split(' ').find((scope) => scope !== '' && !granted.has(scope))
  if (missing !== undefined) throw new Error(`client ${id} cannot have the scope ${missing}`)
  const expiresAt = new Date(Date.now() + answer.expires_in * 1_000)
  return { token: answer.access_token, expires_at: expiresAt.toISOString() }
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` }
}

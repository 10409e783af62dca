import { expandScopes, SCOPE, scopesOf } from '@caudal/contracts/scopes.ts'
import type { Client } from './client.ts'

/** A scope that reaches every user is only for clients that have it by configuration. */
const NEVER_GRANTED: string = SCOPE.usersImpersonate

/**
 * The scopes of a token that development login makes for a client: those that were asked for. A
 * configured client may have those of its configuration and what they include, any other client all
 * except `NEVER_GRANTED`. Returns the first scope that it cannot have as `refused`.
 */
export function grantClientScopes(
  asked: string,
  client: Pick<Client, 'scopes'> | undefined,
): { granted: string } | { refused: string } {
  const wanted = [...new Set(asked.split(' ').filter(Boolean))]
  const allowed = expandScopes(client?.scopes ?? scopesOf('client'))
  const refused = wanted.find((scope) => scope === NEVER_GRANTED || !allowed.has(scope))
  return refused === undefined ? { granted: wanted.join(' ') } : { refused }
}

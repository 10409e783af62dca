import { SCOPE } from '@caudal/contracts/scopes.ts'
import { SERVICE_SCOPES } from './access-token.ts'
import type { Client } from './client.ts'

/** A scope that reaches every user is for those alone who have it by configuration. */
const NEVER_LENT = SCOPE.usersImpersonate

/**
 * The scopes of a token that development login makes for a client: those that were asked for. A
 * client by configuration has its own list, any other name may have whatever is lent. Returns the
 * first one that it cannot have as `refused`.
 */
export function grantClientScopes(
  asked: string,
  client: Pick<Client, 'scopes'> | undefined,
): { granted: string } | { refused: string } {
  const wanted = [...new Set(asked.split(' ').filter(Boolean))]
  const allowed: readonly string[] = client?.scopes ?? SERVICE_SCOPES
  const refused = wanted.find((scope) => scope === NEVER_LENT || !allowed.includes(scope))
  return refused === undefined ? { granted: wanted.join(' ') } : { refused }
}

import { SCOPES, type Scope, type ScopeHolder } from '@caudal/contracts/scopes.ts'
import type { FastifySchema } from 'fastify'
import { requireToken, type Access, type TokenHook } from './authenticate.ts'

/** The scope that a route asks for, and of whom. */
export interface RouteAccess extends Access {
  scope: Scope
}

/**
 * The options of a route that asks for a scope: the hook that holds callers to it and the
 * `security` of its OpenAPI operation come from one declaration. Only holders of the scope by the
 * list (`SCOPES`) get in, unless `holders` names others.
 */
export function secured<S extends FastifySchema>(
  access: RouteAccess,
  schema: S,
): { schema: S & { security: { bearer: Scope[] }[] }; onRequest: TokenHook[] } {
  const { scope, unscoped } = access
  const holders: readonly ScopeHolder[] = access.holders ?? holdersOf(scope, unscoped)
  return {
    schema: { ...schema, security: [{ bearer: [scope] }] },
    onRequest: [requireToken({ ...access, holders })],
  }
}

function holdersOf(scope: Scope, unscoped: ScopeHolder | undefined): ScopeHolder[] {
  const { holders } = SCOPES[scope]
  return unscoped === undefined ? [...holders] : [...holders, unscoped]
}

import { SCOPES, type Scope, type ScopeHolder } from '@caudal/contracts/scopes.ts'
import type { FastifySchema } from 'fastify'
import { requireToken, type Access, type TokenHook } from './authenticate.ts'

/** The scope that a route asks for, or several of which one is enough, and of whom. */
export interface RouteAccess extends Access {
  scope: Scope | readonly Scope[]
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
  const scopes = [access.scope].flat()
  const holders: readonly ScopeHolder[] = access.holders ?? holdersOf(scopes, access.unscoped)
  return {
    schema: { ...schema, security: scopes.map((scope) => ({ bearer: [scope] })) },
    onRequest: [requireToken({ ...access, holders })],
  }
}

function holdersOf(scopes: readonly Scope[], unscoped: ScopeHolder | undefined): ScopeHolder[] {
  const holders = new Set(scopes.flatMap((scope) => SCOPES[scope].holders))
  return unscoped === undefined ? [...holders] : [...holders, unscoped]
}

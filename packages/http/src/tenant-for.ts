import { SCOPE } from '@caudal/contracts/scopes.ts'
import { Problem } from './problem.ts'
import type { Identity } from './token-profile.ts'

/** Whether the caller is a client that acts for every tenant, by the scope `tenants:any`. */
export function isForEveryTenant({ kind, scopes }: Identity): boolean {
  return kind === 'service' && scopes.has(SCOPE.tenantsAny)
}

/**
 * Lets only clients pass that act for every tenant: for what is not kept by tenant.
 *
 * @throws {Problem} FORBIDDEN
 */
export function requireEveryTenant(identity: Identity): void {
  if (isForEveryTenant(identity)) return
  throw new Problem('FORBIDDEN', `this is about all tenants: it needs ${SCOPE.tenantsAny} too`)
}

/**
 * The tenant that a request is about: that of the token. A request may name it; another one is only
 * for clients that act for many tenants, by the scope `tenants:any`.
 *
 * @throws {Problem} FORBIDDEN
 */
export function tenantFor(identity: Identity, wanted: string | undefined): string {
  const { tenantId } = identity
  if (wanted === undefined || wanted === tenantId) return tenantId
  if (isForEveryTenant(identity)) return wanted
  const detail = `the token is of another tenant and lacks the scope ${SCOPE.tenantsAny}`
  throw new Problem('FORBIDDEN', detail)
}

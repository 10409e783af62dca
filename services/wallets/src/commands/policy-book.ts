import type { Identity } from '@caudal/http/token-verifier.ts'
import type { ClientPolicy } from '../ledger/domain/policy.ts'

/** A policy with the client that it is for: `*` is every client of the tenant without its own. */
export interface NamedPolicy {
  tenantId: string
  clientId: string
  policy: ClientPolicy
  /** Its content, as the configuration has it. */
  document: object
}

/** Finds the policy of a client; null where it has none. */
export type PolicyOf = (client: Client) => ClientPolicy | null

type Client = Pick<Identity, 'tenantId' | 'clientId' | 'subject'>

const EVERY_CLIENT = '*'

/** The policies in force, by client. */
export function policyBook(policies: readonly NamedPolicy[]): PolicyOf {
  const tenants = new Map<string, Map<string, ClientPolicy>>()
  for (const { tenantId, clientId, policy } of policies) {
    const clients = tenants.get(tenantId) ?? new Map<string, ClientPolicy>()
    tenants.set(tenantId, clients.set(clientId, policy))
  }
  return ({ tenantId, clientId, subject }) => {
    const clients = tenants.get(tenantId)
    return clients?.get(clientId ?? subject) ?? clients?.get(EVERY_CLIENT) ?? null
  }
}

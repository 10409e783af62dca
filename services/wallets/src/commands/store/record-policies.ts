import type { Db } from '@caudal/postgres/types.ts'
import type { NamedPolicy } from '../policy-book.ts'

/**
 * Records the content of each version in force, so that a transfer's version can be looked up
 * later.
 */
export async function recordPolicies(db: Db, policies: readonly NamedPolicy[]): Promise<void> {
  if (policies.length === 0) return
  await db.query({
    name: 'record-policies',
    text: `INSERT INTO client_policies (policy_version, tenant_id, client_id, policy)
           SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::jsonb[])
           ON CONFLICT (policy_version) DO NOTHING`,
    values: [
      policies.map(({ policy }) => policy.version),
      policies.map(({ tenantId }) => tenantId),
      policies.map(({ clientId }) => clientId),
      policies.map(({ document }) => JSON.stringify(document)),
    ],
  })
}

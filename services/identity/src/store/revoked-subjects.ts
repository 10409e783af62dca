import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Client } from '../domain/client.ts'
import type { RevokedSubject } from '../domain/revoked-subject.ts'

/**
 * Those that a token may still be alive of: tokens live for an hour at most. A user that has a
 * token and is no user any more was deleted, in whatever way.
 */
export async function listRevokedSubjects(db: Db): Promise<RevokedSubject[]> {
  const statement = sql`
    SELECT kind, tenant_id AS "tenantId", subject, revoked_at AS "revokedAt"
    FROM revoked_subjects WHERE revoked_at > now() - interval '2 hours'
    UNION ALL
    SELECT 'user', h.tenant_id, h.user_id::text, h.issued_at + interval '1 second'
    FROM token_holders h
    WHERE h.issued_at > now() - interval '2 hours' AND NOT EXISTS (
      SELECT FROM users u WHERE u.tenant_id = h.tenant_id AND u.user_id = h.user_id)`
  const { rows } = await db.query<RevokedSubject>(named('list-revoked-subjects', statement))
  return rows
}

/** Forgets those that no token can be alive of. */
export async function forgetRevokedSubjects(db: Db): Promise<void> {
  await db.query(`DELETE FROM revoked_subjects WHERE revoked_at < now() - interval '2 hours'`)
  await db.query(`DELETE FROM token_holders WHERE issued_at < now() - interval '2 hours'`)
}

/** Notes the clients of the configuration, and revokes those that are no longer among them. */
export async function revokeMissingClients(db: Db, clients: readonly Client[]): Promise<void> {
  await db.query(sql`
    WITH configured AS (
      SELECT * FROM unnest(
        ${clients.map(({ clientId }) => clientId)}::text[],
        ${clients.map(({ tenantId }) => tenantId)}::text[]) AS c (client_id, tenant_id)
    ), gone AS (
      DELETE FROM known_clients k
      WHERE NOT EXISTS (SELECT FROM configured c
        WHERE c.client_id = k.client_id AND c.tenant_id = k.tenant_id)
      RETURNING client_id, tenant_id
    ), added AS (
      INSERT INTO known_clients (client_id, tenant_id) SELECT client_id, tenant_id FROM configured
      ON CONFLICT (client_id, tenant_id) DO NOTHING
    )
    INSERT INTO revoked_subjects (kind, tenant_id, subject)
    SELECT 'service', tenant_id, client_id FROM gone
    ON CONFLICT (kind, tenant_id, subject) DO UPDATE SET revoked_at = clock_timestamp()`)
}

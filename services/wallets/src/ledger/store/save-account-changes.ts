import { raw, type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { AccountChange } from '../domain/account-change.ts'
import type { ChangedAccount } from '../domain/decide-batch.ts'
import { LEDGER_MOVED } from './save-decision.ts'

/**
 * Writes accounts that were changed themselves, by compare-and-set, with what was changed and the
 * references used for it. Raises when a compare fails (rule 1).
 */
export async function saveAccountChanges(
  tx: Tx,
  saving: {
    now: Date
    alteredAccounts: readonly ChangedAccount[]
    changes: readonly AccountChange[]
  },
): Promise<void> {
  const { now, alteredAccounts, changes } = saving
  if (changes.length === 0) return
  await Promise.all([
    tx.query(updateAccounts(alteredAccounts)),
    tx.query(insertChanges(changes, now)),
  ])
}

// Balances, status and limit of an account change in one update, since each of them may be what
// makes the others lawful.
function updateAccounts(altered: readonly ChangedAccount[]): Sql {
  return sql`
    WITH changed_accounts AS (
      UPDATE accounts a
      SET available_minor = c.available_minor, held_minor = c.held_minor, version = c.version,
        status = c.status, overdraft_limit_minor = c.overdraft_limit_minor, revision = c.revision
      FROM unnest(
        ${altered.map((it) => it.account.accountId)}::uuid[],
        ${altered.map((it) => it.account.availableMinor)}::numeric[],
        ${altered.map((it) => it.account.heldMinor)}::numeric[],
        ${altered.map((it) => it.account.version)}::bigint[],
        ${altered.map((it) => it.versionBefore)}::bigint[],
        ${altered.map((it) => it.account.status)}::text[],
        ${altered.map((it) => it.account.overdraftLimitMinor)}::bigint[],
        ${altered.map((it) => it.account.revision)}::bigint[],
        ${altered.map((it) => it.revisionBefore)}::bigint[]
      ) AS c(account_id, available_minor, held_minor, version, version_before, status,
        overdraft_limit_minor, revision, revision_before)
      WHERE a.account_id = c.account_id AND a.version = c.version_before
        AND a.revision = c.revision_before
      RETURNING 1
    )
    SELECT require_that((SELECT count(*) FROM changed_accounts) = ${altered.length}::bigint,
      '${raw(LEDGER_MOVED)}', 'an account is not as it was locked')`
}

function insertChanges(changes: readonly AccountChange[], now: Date): Sql {
  return sql`
    WITH new_changes AS (
      INSERT INTO account_changes (booked_at, change_id, account_id, kind, status,
        overdraft_limit_minor, revision, tenant_id, client_id, idempotency_key, fingerprint,
        reference_id, reason, actor_type, actor_id)
      SELECT ${now}::timestamptz, change_id, account_id, kind, status, overdraft_limit_minor,
        revision, tenant_id, client_id, key, decode(fingerprint, 'hex'), reference_id, reason,
        actor_type, actor_id
      FROM unnest(
        ${changes.map((it) => it.changeId)}::uuid[],
        ${changes.map((it) => it.accountId)}::uuid[],
        ${changes.map((it) => it.kind)}::text[],
        ${changes.map((it) => it.status)}::text[],
        ${changes.map((it) => it.overdraftLimitMinor)}::bigint[],
        ${changes.map((it) => it.revision)}::bigint[],
        ${changes.map((it) => it.tenantId)}::text[],
        ${changes.map((it) => it.key.clientId)}::text[],
        ${changes.map((it) => it.key.value)}::text[],
        ${changes.map((it) => it.key.fingerprint)}::text[],
        ${changes.map((it) => it.referenceId)}::text[],
        ${changes.map((it) => it.reason)}::text[],
        ${changes.map((it) => it.actor.type)}::text[],
        ${changes.map((it) => it.actor.id)}::text[]
      ) AS c(change_id, account_id, kind, status, overdraft_limit_minor, revision, tenant_id,
        client_id, key, fingerprint, reference_id, reason, actor_type, actor_id)
      RETURNING change_id, tenant_id, kind, reference_id
    )
    INSERT INTO command_references (transfer_id, tenant_id, kind, reference_id)
    SELECT change_id, tenant_id, kind, reference_id FROM new_changes
    ORDER BY tenant_id COLLATE "C", kind COLLATE "C", reference_id COLLATE "C"`
}

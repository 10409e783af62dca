import type { Tx } from '@caudal/postgres/types.ts'
import type { AccountChange } from '../domain/account-change.ts'
import type { ChangedAccount } from '../domain/decide-batch.ts'
import { LEDGER_MOVED } from './save-decision.ts'

// Balances, status and limit of an account change in one update, since each of them may be what
// makes the others lawful.
const SAVE_ACCOUNTS = `
  WITH changed_accounts AS (
    UPDATE accounts a
    SET available_minor = c.available_minor, held_minor = c.held_minor, version = c.version,
      status = c.status, overdraft_limit_minor = c.overdraft_limit_minor, revision = c.revision
    FROM unnest($1::uuid[], $2::numeric[], $3::numeric[], $4::bigint[], $5::bigint[], $6::text[],
      $7::bigint[], $8::bigint[], $9::bigint[])
      AS c(account_id, available_minor, held_minor, version, version_before, status,
        overdraft_limit_minor, revision, revision_before)
    WHERE a.account_id = c.account_id AND a.version = c.version_before
      AND a.revision = c.revision_before
    RETURNING 1
  )
  SELECT require_that((SELECT count(*) FROM changed_accounts) = $10::bigint,
    '${LEDGER_MOVED}', 'an account is not as it was locked')`

const SAVE_CHANGES = `
  WITH new_changes AS (
    INSERT INTO account_changes (booked_at, change_id, account_id, kind, status,
      overdraft_limit_minor, revision, tenant_id, client_id, idempotency_key, fingerprint,
      reference_id, reason)
    SELECT $1::timestamptz, change_id, account_id, kind, status, overdraft_limit_minor, revision,
      tenant_id, client_id, key, decode(fingerprint, 'hex'), reference_id, reason
    FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
      $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[])
      AS c(change_id, account_id, kind, status, overdraft_limit_minor, revision, tenant_id,
        client_id, key, fingerprint, reference_id, reason)
    RETURNING change_id, tenant_id, kind, reference_id
  )
  INSERT INTO command_references (transfer_id, tenant_id, kind, reference_id)
  SELECT change_id, tenant_id, kind, reference_id FROM new_changes
  ORDER BY tenant_id COLLATE "C", kind COLLATE "C", reference_id COLLATE "C"`

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
  const { now, alteredAccounts: altered, changes } = saving
  if (changes.length === 0) return
  await Promise.all([
    tx.query(SAVE_ACCOUNTS, [
      altered.map((it) => it.account.accountId),
      altered.map((it) => it.account.availableMinor),
      altered.map((it) => it.account.heldMinor),
      altered.map((it) => it.account.version),
      altered.map((it) => it.versionBefore),
      altered.map((it) => it.account.status),
      altered.map((it) => it.account.overdraftLimitMinor),
      altered.map((it) => it.account.revision),
      altered.map((it) => it.revisionBefore),
      altered.length,
    ]),
    tx.query(SAVE_CHANGES, [
      now,
      changes.map((it) => it.changeId),
      changes.map((it) => it.accountId),
      changes.map((it) => it.kind),
      changes.map((it) => it.status),
      changes.map((it) => it.overdraftLimitMinor),
      changes.map((it) => it.revision),
      changes.map((it) => it.tenantId),
      changes.map((it) => it.key.clientId),
      changes.map((it) => it.key.value),
      changes.map((it) => it.key.fingerprint),
      changes.map((it) => it.referenceId),
      changes.map((it) => it.reason),
    ]),
  ])
}

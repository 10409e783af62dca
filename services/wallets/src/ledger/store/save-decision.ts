import type { BoundKey } from '@caudal/idempotency/bound-key.ts'
import { insertKeys } from '@caudal/idempotency/insert-keys.ts'
import { type OutboxEvent, outboxInsert } from '@caudal/outbox/add-to-outbox.ts'
import {
  bigintArray,
  hexArray,
  smallintArray,
  textArray,
  uuidArray,
} from '@caudal/postgres/array-parameter.ts'
import { named, raw, type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { dayOf } from '../domain/booking-time.ts'
import type { ChangedAccount } from '../domain/decide-batch.ts'
import { type Hold, holdKeyOf } from '../domain/hold.ts'
import type { Entry, Transfer } from '../domain/transfer.ts'
import { WALLET_KEYS } from './wallet-keys.ts'

/** Everything that a batch writes. */
export interface Saving {
  /** Booking time of the batch. */
  now: Date
  accounts: readonly ChangedAccount[]
  newHolds: readonly Hold[]
  changedHolds: readonly Hold[]
  transfers: readonly Transfer[]
  /** The idempotency keys that the batch binds, with their answers. */
  keys: readonly BoundKey[]
  events: readonly OutboxEvent[]
}

/** SQLSTATE raised when a locked row is not as it was loaded; nothing of the statement remains. */
export const LEDGER_MOVED = 'CA101'

/**
 * Writes a whole batch in one statement: balances and holds by compare-and-set, transfers, entries,
 * references, keys with their answers, and events. Raises when a compare fails (rule 1), so that
 * neither these effects nor a COMMIT behind them can happen.
 */
export async function saveDecision(tx: Tx, saving: Saving): Promise<void> {
  const { now, accounts, newHolds, changedHolds, transfers, keys, events } = saving
  // Arrays of equal length are unnested side by side in the select list: as a table function their
  // rows would be stored once more on the way. Rows to change are looked up one by one and then
  // taken at their place, which the lock keeps: joined as a set, a plan that was made when a table
  // was known to be empty would walk all of it for each batch. Keys and references are inserted in
  // an order that all batches share, so that no two wait for each other; what differs most comes
  // first.
  const statement = sql`
    WITH changed_accounts AS (${updateAccounts(accounts)}
    ), new_holds AS (${insertHolds(newHolds, now)}
    ), changed_holds AS (${updateHolds(changedHolds, now)}
    ), new_transfers AS (${insertTransfers(transfers, now)}
    ), new_entries AS (${insertEntries(transfers, now)}
    ), new_references AS (${insertReferences(transfers)}
    ), new_keys AS (${insertKeys(WALLET_KEYS, keys, now)}
    ), new_events AS (${outboxInsert(events)}
    )
    SELECT require_that(
      (SELECT count(*) FROM changed_accounts) = ${accounts.length}::bigint
        AND (SELECT count(*) FROM changed_holds) = ${changedHolds.length}::bigint,
      '${raw(LEDGER_MOVED)}', 'an account or a hold is not as it was locked')`
  await tx.query(named('save-decision', statement))
}

function updateAccounts(accounts: readonly ChangedAccount[]): Sql {
  return sql`
    UPDATE accounts a
    SET available_minor = c.available_minor, held_minor = c.held_minor, version = c.version
    FROM unnest(
      ${uuidArray(accounts, (it) => it.account.accountId)}::uuid[],
      ${numericArray(accounts, (it) => it.account.availableMinor)}::numeric[],
      ${numericArray(accounts, (it) => it.account.heldMinor)}::numeric[],
      ${bigintArray(accounts, (it) => it.account.version)}::bigint[],
      ${bigintArray(accounts, (it) => it.versionBefore)}::bigint[]
    ) AS c(account_id, available_minor, held_minor, version, version_before)
    CROSS JOIN LATERAL (
      SELECT ctid AS place FROM accounts i WHERE i.account_id = c.account_id LIMIT 1
    ) AS found
    WHERE a.ctid = found.place AND a.version = c.version_before
    RETURNING 1`
}

function insertHolds(holds: readonly Hold[], now: Date): Sql {
  return sql`
    INSERT INTO holds (created_at, changed_at, hold_id, payment_id, account_id, amount_minor,
      remaining_minor, tenant_id, currency, status, refused_for, client_id, expires_at)
    SELECT ${now}::timestamptz, ${now}::timestamptz,
      unnest(${uuidArray(holds, (it) => it.holdId)}::uuid[]),
      unnest(${uuidArray(holds, (it) => it.paymentId)}::uuid[]),
      unnest(${uuidArray(holds, (it) => it.accountId)}::uuid[]),
      unnest(${bigintArray(holds, (it) => it.amountMinor)}::bigint[]),
      unnest(${bigintArray(holds, (it) => it.remainingMinor)}::bigint[]),
      unnest(${textArray(holds, (it) => it.tenantId)}::text[]),
      unnest(${textArray(holds, (it) => it.currency)}::text[]),
      unnest(${textArray(holds, (it) => it.status)}::text[]),
      unnest(${textArray(holds, (it) => it.refusedFor)}::text[]),
      unnest(${textArray(holds, (it) => it.clientId)}::text[]),
      unnest(${holds.map(expiryOf)}::timestamptz[])`
}

function expiryOf({ expiresAtMs }: Hold): Date | null {
  return expiresAtMs === null ? null : new Date(expiresAtMs)
}

function updateHolds(holds: readonly Hold[], now: Date): Sql {
  return sql`
    UPDATE holds h
    SET remaining_minor = c.remaining_minor, status = c.status, changed_at = ${now}::timestamptz
    FROM unnest(
      ${uuidArray(holds, holdKeyOf)}::uuid[],
      ${bigintArray(holds, (it) => it.remainingMinor)}::bigint[],
      ${textArray(holds, (it) => it.status)}::text[]
    ) AS c(hold_key, remaining_minor, status)
    CROSS JOIN LATERAL (
      SELECT ctid AS place FROM holds i WHERE i.hold_key = c.hold_key LIMIT 1
    ) AS found
    WHERE h.ctid = found.place AND h.status = 'open'
    RETURNING 1`
}

function insertTransfers(transfers: readonly Transfer[], now: Date): Sql {
  return sql`
    INSERT INTO transfers (booked_at, transfer_id, kind, account_id, amount_minor, currency,
      payment_id, hold_id, value_date, fingerprint, tenant_id, client_id, idempotency_key,
      reference_id, reason, corrects_id, correction, policy_version)
    SELECT ${now}::timestamptz,
      unnest(${uuidArray(transfers, (it) => it.transferId)}::uuid[]),
      unnest(${textArray(transfers, (it) => it.kind)}::text[]),
      unnest(${uuidArray(transfers, (it) => it.accountId)}::uuid[]),
      unnest(${bigintArray(transfers, (it) => it.amountMinor)}::bigint[]),
      unnest(${textArray(transfers, (it) => it.currency)}::text[]),
      unnest(${uuidArray(transfers, (it) => it.paymentId)}::uuid[]),
      unnest(${uuidArray(transfers, (it) => it.holdId)}::uuid[]),
      unnest(${textArray(transfers, (it) => it.valueDate)}::text[])::date,
      unnest(${hexArray(transfers, (it) => it.fingerprint)}::bytea[]),
      unnest(${textArray(transfers, (it) => it.tenantId)}::text[]),
      unnest(${textArray(transfers, (it) => it.clientId)}::text[]),
      unnest(${textArray(transfers, (it) => it.idempotencyKey)}::text[]),
      unnest(${textArray(transfers, (it) => it.referenceId)}::text[]),
      unnest(${textArray(transfers, (it) => it.reason)}::text[]),
      unnest(${uuidArray(transfers, (it) => it.correctsId)}::uuid[]),
      unnest(${textArray(transfers, (it) => it.correction)}::text[]),
      unnest(${textArray(transfers, (it) => it.policyVersion)}::text[])`
}

interface PlacedEntry {
  transfer: Transfer
  entry: Entry
  line: number
}

/** An entry has its value date where that is another day than the one of its booking. */
function insertEntries(transfers: readonly Transfer[], now: Date): Sql {
  const today = dayOf(now)
  const otherDay = ({ transfer: { valueDate: day } }: PlacedEntry) => (day === today ? null : day)
  const placed: PlacedEntry[] = []
  for (const transfer of transfers) {
    for (const [line, entry] of transfer.entries.entries()) placed.push({ transfer, entry, line })
  }
  return sql`
    INSERT INTO entries (booked_at, transfer_id, line, account_id, balance, amount_minor,
      balance_after_minor, account_version, tenant_id, value_date)
    SELECT ${now}::timestamptz,
      unnest(${uuidArray(placed, (it) => it.transfer.transferId)}::uuid[]),
      unnest(${smallintArray(placed, (it) => it.line)}::smallint[]),
      unnest(${uuidArray(placed, (it) => it.entry.accountId)}::uuid[]),
      unnest(${textArray(placed, (it) => it.entry.balance)}::text[])::balance_name,
      unnest(${bigintArray(placed, (it) => it.entry.amountMinor)}::bigint[]),
      unnest(${numericArray(placed, (it) => it.entry.balanceAfterMinor)}::numeric[]),
      unnest(${bigintArray(placed, (it) => it.entry.accountVersion)}::bigint[]),
      unnest(${textArray(placed, (it) => it.transfer.tenantId)}::text[]),
      unnest(${textArray(placed, otherDay)}::text[])::date`
}

/** Those of the commands that `takesReference` names; the others have a hold or a posting. */
function insertReferences(transfers: readonly Transfer[]): Sql {
  const taking = transfers.filter(
    ({ clientId, holdId, pspPosting }) =>
      clientId !== null || (holdId === null && pspPosting === null),
  )
  return sql`
    INSERT INTO command_references (transfer_id, tenant_id, kind, reference_id)
    SELECT transfer_id, tenant_id, kind, reference_id
    FROM unnest(
      ${uuidArray(taking, (it) => it.transferId)}::uuid[],
      ${textArray(taking, (it) => it.tenantId)}::text[],
      ${textArray(taking, (it) => it.kind)}::text[],
      ${textArray(taking, (it) => it.referenceId)}::text[]
    ) AS r(transfer_id, tenant_id, kind, reference_id)
    ORDER BY reference_id COLLATE "C", kind COLLATE "C", tenant_id COLLATE "C"`
}

/** Balances may be wider than 64 bits, so these few travel as text. */
function numericArray<T>(items: readonly T[], pick: (item: T) => bigint): string {
  return `{${items.map(pick).join(',')}}`
}

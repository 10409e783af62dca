import { type OutboxEvent, outboxColumns, outboxInsert } from '@caudal/outbox/add-to-outbox.ts'
import {
  bigintArray,
  hexArray,
  smallintArray,
  textArray,
  uuidArray,
} from '@caudal/postgres/array-parameter.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { ChangedAccount } from '../domain/decide-batch.ts'
import { type Hold, holdKeyOf } from '../domain/hold.ts'
import { dayOf } from '../domain/moment.ts'
import type { StoredAnswer } from '../domain/outcome.ts'
import type { Entry, Transfer } from '../domain/transfer.ts'

/** An answer to be stored under the key of its command (F2). */
export interface KeyedAnswer {
  tenantId: string
  clientId: string
  key: string
  fingerprint: string
  answer: StoredAnswer
}

/** Everything that a batch writes. */
export interface Saving {
  /** Booking time of the batch. */
  now: Date
  accounts: readonly ChangedAccount[]
  newHolds: readonly Hold[]
  changedHolds: readonly Hold[]
  transfers: readonly Transfer[]
  answers: readonly KeyedAnswer[]
  events: readonly OutboxEvent[]
}

/** SQLSTATE raised when a locked row is not as it was loaded; nothing of the statement remains. */
export const LEDGER_MOVED = 'CA101'

// Arrays of equal length are unnested side by side in the select list: as a table function their
// rows would be stored once more on the way. Rows to change are looked up one by one and then taken
// at their place, which the lock keeps: joined as a set, a plan that was made when a table was
// known to be empty would walk all of it for each batch. Keys and references are inserted in an
// order that all batches share, so that no two wait for each other; what differs most comes first.
const SAVE = `
  WITH changed_accounts AS (
    UPDATE accounts a
    SET available_minor = c.available_minor, held_minor = c.held_minor, version = c.version
    FROM unnest($2::uuid[], $3::numeric[], $4::numeric[], $5::bigint[], $6::bigint[])
      AS c(account_id, available_minor, held_minor, version, version_before)
    CROSS JOIN LATERAL (
      SELECT ctid AS place FROM accounts i WHERE i.account_id = c.account_id LIMIT 1
    ) AS found
    WHERE a.ctid = found.place AND a.version = c.version_before
    RETURNING 1
  ), new_holds AS (
    INSERT INTO holds (created_at, changed_at, hold_id, payment_id, account_id, amount_minor,
      remaining_minor, tenant_id, currency, status, refused_for, expires_at)
    SELECT $1::timestamptz, $1::timestamptz, unnest($7::uuid[]), unnest($8::uuid[]),
      unnest($9::uuid[]), unnest($10::bigint[]), unnest($11::bigint[]), unnest($12::text[]),
      unnest($13::text[]), unnest($14::text[]), unnest($15::text[]),
      unnest($16::timestamptz[])
  ), changed_holds AS (
    UPDATE holds h
    SET remaining_minor = c.remaining_minor, status = c.status, changed_at = $1::timestamptz
    FROM unnest($17::uuid[], $18::bigint[], $19::text[]) AS c(hold_key, remaining_minor, status)
    CROSS JOIN LATERAL (
      SELECT ctid AS place FROM holds i WHERE i.hold_key = c.hold_key LIMIT 1
    ) AS found
    WHERE h.ctid = found.place AND h.status = 'open'
    RETURNING 1
  ), new_transfers AS (
    INSERT INTO transfers (booked_at, transfer_id, kind, account_id, amount_minor, currency,
      payment_id, hold_id, value_date, fingerprint, tenant_id, client_id, idempotency_key,
      reference_id, reason, corrects_id)
    SELECT $1::timestamptz, unnest($20::uuid[]), unnest($21::text[]), unnest($22::uuid[]),
      unnest($23::bigint[]), unnest($24::text[]), unnest($25::uuid[]), unnest($26::uuid[]),
      unnest($27::text[])::date, unnest($28::bytea[]), unnest($29::text[]),
      unnest($30::text[]), unnest($31::text[]), unnest($32::text[]), unnest($33::text[]),
      unnest($34::uuid[])
  ), new_entries AS (
    INSERT INTO entries (booked_at, transfer_id, line, account_id, balance, amount_minor,
      balance_after_minor, account_version, tenant_id, value_date)
    SELECT $1::timestamptz, unnest($35::uuid[]), unnest($36::smallint[]), unnest($37::uuid[]),
      unnest($38::text[])::balance_name, unnest($39::bigint[]), unnest($40::numeric[]),
      unnest($41::bigint[]), unnest($42::text[]), unnest($43::text[])::date
  ), new_references AS (
    INSERT INTO command_references (transfer_id, tenant_id, kind, reference_id)
    SELECT transfer_id, tenant_id, kind, reference_id
    FROM unnest($44::uuid[], $45::text[], $46::text[], $47::text[])
      AS r(transfer_id, tenant_id, kind, reference_id)
    ORDER BY reference_id COLLATE "C", kind COLLATE "C", tenant_id COLLATE "C"
  ), new_keys AS (
    INSERT INTO idempotency_keys (created_at, tenant_id, client_id, idempotency_key, fingerprint,
      status, body)
    SELECT $1::timestamptz, tenant_id, client_id, key, fingerprint, status, body
    FROM unnest($48::text[], $49::text[], $50::text[], $51::bytea[], $52::smallint[], $53::text[])
      AS k(tenant_id, client_id, key, fingerprint, status, body)
    ORDER BY key COLLATE "C", client_id COLLATE "C", tenant_id COLLATE "C"
  ), new_events AS (
    ${outboxInsert(56)}
  )
  SELECT require_that(
    (SELECT count(*) FROM changed_accounts) = $54::bigint
      AND (SELECT count(*) FROM changed_holds) = $55::bigint,
    '${LEDGER_MOVED}', 'an account or a hold is not as it was locked')`

/**
 * Writes a whole batch in one statement: balances and holds by compare-and-set, transfers, entries,
 * references, keys with their answers, and events. Raises when a compare fails (rule 1), so that
 * neither these effects nor a COMMIT behind them can happen.
 */
export async function saveDecision(tx: Tx, saving: Saving): Promise<void> {
  const { now, accounts, newHolds, changedHolds, transfers, answers, events } = saving
  await tx.query({
    name: 'save-decision',
    text: SAVE,
    values: [
      now,
      ...accountColumns(accounts),
      ...newHoldColumns(newHolds),
      ...changedHoldColumns(changedHolds),
      ...transferColumns(transfers),
      ...entryColumns(transfers, now),
      ...referenceColumns(transfers),
      ...answerColumns(answers),
      accounts.length,
      changedHolds.length,
      ...outboxColumns(events),
    ],
  })
}

function accountColumns(changes: readonly ChangedAccount[]): unknown[] {
  return [
    uuidArray(changes, (it) => it.account.accountId),
    numericArray(changes, (it) => it.account.availableMinor),
    numericArray(changes, (it) => it.account.heldMinor),
    bigintArray(changes, (it) => it.account.version),
    bigintArray(changes, (it) => it.versionBefore),
  ]
}

function newHoldColumns(holds: readonly Hold[]): unknown[] {
  return [
    uuidArray(holds, (it) => it.holdId),
    uuidArray(holds, (it) => it.paymentId),
    uuidArray(holds, (it) => it.accountId),
    bigintArray(holds, (it) => it.amountMinor),
    bigintArray(holds, (it) => it.remainingMinor),
    textArray(holds, (it) => it.tenantId),
    textArray(holds, (it) => it.currency),
    textArray(holds, (it) => it.status),
    textArray(holds, (it) => it.refusedFor),
    holds.map((it) => (it.expiresAtMs === null ? null : new Date(it.expiresAtMs))),
  ]
}

function changedHoldColumns(holds: readonly Hold[]): unknown[] {
  return [
    uuidArray(holds, holdKeyOf),
    bigintArray(holds, (it) => it.remainingMinor),
    textArray(holds, (it) => it.status),
  ]
}

function transferColumns(transfers: readonly Transfer[]): unknown[] {
  return [
    uuidArray(transfers, (it) => it.transferId),
    textArray(transfers, (it) => it.kind),
    uuidArray(transfers, (it) => it.accountId),
    bigintArray(transfers, (it) => it.amountMinor),
    textArray(transfers, (it) => it.currency),
    uuidArray(transfers, (it) => it.paymentId),
    uuidArray(transfers, (it) => it.holdId),
    textArray(transfers, (it) => it.valueDate),
    hexArray(transfers, (it) => it.fingerprint),
    textArray(transfers, (it) => it.tenantId),
    textArray(transfers, (it) => it.clientId),
    textArray(transfers, (it) => it.idempotencyKey),
    textArray(transfers, (it) => it.referenceId),
    textArray(transfers, (it) => it.reason),
    uuidArray(transfers, (it) => it.correctsId),
  ]
}

interface PlacedEntry {
  transfer: Transfer
  entry: Entry
  line: number
}

/** An entry says its value date where that is another day than the one of its booking. */
function entryColumns(transfers: readonly Transfer[], now: Date): unknown[] {
  const today = dayOf(now)
  const placed: PlacedEntry[] = []
  for (const transfer of transfers) {
    for (const [line, entry] of transfer.entries.entries()) placed.push({ transfer, entry, line })
  }
  return [
    uuidArray(placed, (it) => it.transfer.transferId),
    smallintArray(placed, (it) => it.line),
    uuidArray(placed, (it) => it.entry.accountId),
    textArray(placed, (it) => it.entry.balance),
    bigintArray(placed, (it) => it.entry.amountMinor),
    numericArray(placed, (it) => it.entry.balanceAfterMinor),
    bigintArray(placed, (it) => it.entry.accountVersion),
    textArray(placed, (it) => it.transfer.tenantId),
    textArray(placed, ({ transfer: { valueDate } }) => (valueDate === today ? null : valueDate)),
  ]
}

/** References are the clients' own; a payment's command is known by its payment. */
function referenceColumns(transfers: readonly Transfer[]): unknown[] {
  const named = transfers.filter(({ clientId }) => clientId !== null)
  return [
    uuidArray(named, (it) => it.transferId),
    textArray(named, (it) => it.tenantId),
    textArray(named, (it) => it.kind),
    textArray(named, (it) => it.referenceId),
  ]
}

function answerColumns(answers: readonly KeyedAnswer[]): unknown[] {
  return [
    textArray(answers, (it) => it.tenantId),
    textArray(answers, (it) => it.clientId),
    textArray(answers, (it) => it.key),
    hexArray(answers, (it) => it.fingerprint),
    smallintArray(answers, (it) => it.answer.status),
    textArray(answers, (it) => it.answer.body),
  ]
}

/** Balances may be wider than 64 bits, so these few travel as text. */
function numericArray<T>(items: readonly T[], pick: (item: T) => bigint): string {
  return `{${items.map(pick).join(',')}}`
}

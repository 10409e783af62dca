import { type OutboxEvent, outboxColumns, outboxInsert } from '@caudal/outbox/add-to-outbox.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { ChangedAccount } from '../domain/decide-batch.ts'
import type { Hold } from '../domain/hold.ts'
import type { StoredAnswer } from '../domain/outcome.ts'
import type { Entry, Transfer } from '../domain/transfer.ts'
import { arrayLiteral } from './array-literal.ts'

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

const SAVE = `
  WITH changed_accounts AS (
    UPDATE accounts a
    SET available_minor = c.available_minor, held_minor = c.held_minor, version = c.version
    FROM unnest($2::uuid[], $3::numeric[], $4::numeric[], $5::bigint[], $6::bigint[])
      AS c(account_id, available_minor, held_minor, version, version_before)
    WHERE a.account_id = c.account_id AND a.version = c.version_before
    RETURNING 1
  ), new_holds AS (
    INSERT INTO holds (hold_id, payment_id, account_id, amount_minor, remaining_minor, tenant_id,
      currency, status, refused_for, created_at, changed_at)
    SELECT *, $1::timestamptz, $1::timestamptz
    FROM unnest($7::uuid[], $8::uuid[], $9::uuid[], $10::bigint[], $11::bigint[], $12::text[],
      $13::text[], $14::text[], $15::text[])
  ), changed_holds AS (
    UPDATE holds h
    SET remaining_minor = c.remaining_minor, status = c.status, changed_at = $1::timestamptz
    FROM unnest($16::uuid[], $17::bigint[], $18::text[]) AS c(hold_id, remaining_minor, status)
    WHERE h.hold_id = c.hold_id AND h.status = 'open'
    RETURNING 1
  ), new_transfers AS (
    INSERT INTO transfers (transfer_id, kind, account_id, amount_minor, currency, payment_id,
      hold_id, value_date, fingerprint, tenant_id, client_id, idempotency_key, reference_id,
      reason, booked_at)
    SELECT t.transfer_id, kind, account_id, amount_minor, currency, payment_id, hold_id,
      value_date, decode(fingerprint, 'hex'), tenant_id, client_id, idempotency_key,
      reference_id, reason, $1::timestamptz
    FROM unnest($19::uuid[], $20::text[], $21::uuid[], $22::bigint[], $23::text[], $24::uuid[],
      $25::uuid[], $26::date[], $27::text[], $28::text[], $29::text[], $30::text[], $31::text[],
      $32::text[])
      AS t(transfer_id, kind, account_id, amount_minor, currency, payment_id, hold_id, value_date,
        fingerprint, tenant_id, client_id, idempotency_key, reference_id, reason)
  ), new_entries AS (
    INSERT INTO entries (transfer_id, line, account_id, balance, amount_minor,
      balance_after_minor, account_version, tenant_id, booked_at)
    SELECT *, $1::timestamptz
    FROM unnest($33::uuid[], $34::smallint[], $35::uuid[], $36::balance_name[], $37::bigint[],
      $38::numeric[], $39::bigint[], $40::text[])
  ), new_references AS (
    INSERT INTO command_references (transfer_id, tenant_id, kind, reference_id)
    SELECT transfer_id, tenant_id, kind, reference_id
    FROM unnest($19::uuid[], $28::text[], $20::text[], $31::text[], $29::text[])
      AS t(transfer_id, tenant_id, kind, reference_id, client_id)
    WHERE client_id IS NOT NULL
    ORDER BY tenant_id, kind, reference_id
  ), new_keys AS (
    INSERT INTO idempotency_keys (tenant_id, client_id, idempotency_key, fingerprint, status,
      body, created_at)
    SELECT tenant_id, client_id, key, decode(fingerprint, 'hex'), status, body, $1::timestamptz
    FROM unnest($41::text[], $42::text[], $43::text[], $44::text[], $45::smallint[], $46::text[])
      AS k(tenant_id, client_id, key, fingerprint, status, body)
    ORDER BY tenant_id, client_id, key
  ), new_events AS (
    ${outboxInsert(49)}
  )
  SELECT require_that(
    (SELECT count(*) FROM changed_accounts) = $47::bigint
      AND (SELECT count(*) FROM changed_holds) = $48::bigint,
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
      ...entryColumns(transfers),
      ...answerColumns(answers),
      accounts.length,
      changedHolds.length,
      ...outboxColumns(events),
    ],
  })
}

function accountColumns(changes: readonly ChangedAccount[]): unknown[] {
  return [
    arrayLiteral(changes, (it) => it.account.accountId),
    arrayLiteral(changes, (it) => it.account.availableMinor),
    arrayLiteral(changes, (it) => it.account.heldMinor),
    arrayLiteral(changes, (it) => it.account.version),
    arrayLiteral(changes, (it) => it.versionBefore),
  ]
}

function newHoldColumns(holds: readonly Hold[]): unknown[] {
  return [
    arrayLiteral(holds, (it) => it.holdId),
    arrayLiteral(holds, (it) => it.paymentId),
    arrayLiteral(holds, (it) => it.accountId),
    arrayLiteral(holds, (it) => it.amountMinor),
    arrayLiteral(holds, (it) => it.remainingMinor),
    holds.map((it) => it.tenantId),
    arrayLiteral(holds, (it) => it.currency),
    arrayLiteral(holds, (it) => it.status),
    arrayLiteral(holds, (it) => it.refusedFor),
  ]
}

function changedHoldColumns(holds: readonly Hold[]): unknown[] {
  return [
    arrayLiteral(holds, (it) => it.holdId),
    arrayLiteral(holds, (it) => it.remainingMinor),
    arrayLiteral(holds, (it) => it.status),
  ]
}

function transferColumns(transfers: readonly Transfer[]): unknown[] {
  return [
    arrayLiteral(transfers, (it) => it.transferId),
    arrayLiteral(transfers, (it) => it.kind),
    arrayLiteral(transfers, (it) => it.accountId),
    arrayLiteral(transfers, (it) => it.amountMinor),
    arrayLiteral(transfers, (it) => it.currency),
    arrayLiteral(transfers, (it) => it.paymentId),
    arrayLiteral(transfers, (it) => it.holdId),
    arrayLiteral(transfers, (it) => it.valueDate),
    arrayLiteral(transfers, (it) => it.fingerprint),
    transfers.map((it) => it.tenantId),
    transfers.map((it) => it.clientId),
    transfers.map((it) => it.idempotencyKey),
    transfers.map((it) => it.referenceId),
    transfers.map((it) => it.reason),
  ]
}

interface PlacedEntry {
  transfer: Transfer
  entry: Entry
  line: number
}

function entryColumns(transfers: readonly Transfer[]): unknown[] {
  const placed: PlacedEntry[] = []
  for (const transfer of transfers) {
    for (const [line, entry] of transfer.entries.entries()) placed.push({ transfer, entry, line })
  }
  return [
    arrayLiteral(placed, (it) => it.transfer.transferId),
    arrayLiteral(placed, (it) => it.line),
    arrayLiteral(placed, (it) => it.entry.accountId),
    arrayLiteral(placed, (it) => it.entry.balance),
    arrayLiteral(placed, (it) => it.entry.amountMinor),
    arrayLiteral(placed, (it) => it.entry.balanceAfterMinor),
    arrayLiteral(placed, (it) => it.entry.accountVersion),
    placed.map((it) => it.transfer.tenantId),
  ]
}

function answerColumns(answers: readonly KeyedAnswer[]): unknown[] {
  return [
    answers.map((it) => it.tenantId),
    answers.map((it) => it.clientId),
    answers.map((it) => it.key),
    arrayLiteral(answers, (it) => it.fingerprint),
    arrayLiteral(answers, (it) => it.answer.status),
    answers.map((it) => it.answer.body),
  ]
}

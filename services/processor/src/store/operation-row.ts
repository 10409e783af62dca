import type { PspAnswer } from '@caudal/contracts/events/payments.ts'
import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import { type Sql, sql } from '@caudal/postgres/sql.ts'
import type { OperationFacts, OperationKind, PayoutFacts } from '../domain/operation-facts.ts'
import type { OperationReason, OperationStatus, PspOperation } from '../domain/psp-operation.ts'
import type { OperationTable } from './operation-tables.ts'
import { stepOf } from './stored-steps.ts'

/** An operation as it was locked: `now` is the database's. */
export type StoredOperation = { facts: OperationFacts; state: PspOperation; now: number }

/** The columns of an operation's state. */
const STATE_COLUMNS = sql`created_at, status, step, due_at, attempt_number,
  attempt_deadline_at, failure_count, may_have_left, unproven, query_count, gateway_response,
  reason, psp, late_transaction_id, reversed_at, stuck_at, statement_timestamp() AS now`

/** The columns that every load takes. */
export function operationColumns({ ownFacts }: OperationTable): Sql {
  return sql`${ownFacts}, tenant_id, account_id, user_id, amount_minor, currency,
    destination_bank, traceparent, ${STATE_COLUMNS}`
}

export type StateRow = {
  created_at: Date
  status: OperationStatus
  step: string | null
  due_at: Date | null
  attempt_number: number
  attempt_deadline_at: Date | null
  failure_count: number
  may_have_left: boolean
  unproven: boolean
  query_count: number
  gateway_response: PspAnswer | null
  reason: OperationReason | null
  psp: string | null
  late_transaction_id: string | null
  reversed_at: Date | null
  stuck_at: Date | null
  now: Date
}

export type OperationRow = StateRow & {
  operation_id: string
  /** null of a payout. */
  payment_id: string | null
  kind: OperationKind
  wallet_transaction_id: string
  request_id: string
  sequence: number
  gateway_transaction_id: string | null
  requested_at: Date
  tenant_id: string
  account_id: string
  user_id: string
  amount_minor: bigint
  currency: string
  destination_bank: string
  traceparent: string | null
}

/** The row as the domain knows it. */
export function storedOperation(row: OperationRow): StoredOperation {
  return { facts: factsOf(row), state: stateOf(row), now: row.now.getTime() }
}

function factsOf(row: OperationRow): OperationFacts {
  const common = {
    operationId: row.operation_id,
    tenantId: row.tenant_id,
    accountId: row.account_id,
    userId: row.user_id,
    amountMinor: row.amount_minor,
    currency: row.currency,
    destinationBank: row.destination_bank,
    traceparent: row.traceparent,
  }
  const { kind, payment_id: paymentId } = row
  const requested = (): Omit<PayoutFacts, 'kind' | 'paymentId' | 'gatewayTransactionId'> => ({
    ...common,
    requestId: row.request_id,
    sequence: row.sequence,
    requestedAt: row.requested_at.toISOString(),
  })
  if (kind === 'payout') {
    return { ...requested(), kind, paymentId: null, gatewayTransactionId: null }
  }
  if (paymentId === null) throw new Error(`${kind} ${row.operation_id} has no payment`)
  if (kind === 'pay') {
    return { ...common, kind, paymentId, walletTransactionId: row.wallet_transaction_id }
  }
  return { ...requested(), kind, paymentId, gatewayTransactionId: row.gateway_transaction_id }
}

/** The state of a row as the domain knows it. */
export function stateOf(row: StateRow): PspOperation {
  return {
    recordedAt: row.created_at.getTime(),
    status: row.status,
    // A row of release 0.1.0 names none, and only the default PSP was there then.
    psp: row.psp ?? (row.attempt_number > 0 ? DEFAULT_PSP : null),
    step: stepOf(row.step),
    dueAt: row.due_at?.getTime() ?? null,
    attempt: row.attempt_number,
    attemptDeadlineAt: row.attempt_deadline_at?.getTime() ?? null,
    failures: row.failure_count,
    mayHaveLeft: row.may_have_left,
    unproven: row.unproven,
    queries: row.query_count,
    lastResponse: row.gateway_response,
    reason: row.reason,
    lateId: row.late_transaction_id,
    reversed: row.reversed_at !== null,
    stuck: row.stuck_at !== null,
  }
}

/** Milliseconds of the epoch as PostgreSQL reads them. */
export function isoTime(timeMs: number | null): string | null {
  return timeMs === null ? null : new Date(timeMs).toISOString()
}

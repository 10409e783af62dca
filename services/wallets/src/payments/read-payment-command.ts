import { hash } from 'node:crypto'
import type {
  PaymentCanceled,
  PaymentCompleted,
  PaymentFailed,
  PaymentRequested,
} from '@caudal/contracts/events/payments.ts'
import { newId } from '@caudal/contracts/ids.ts'
import type {
  CommandKey,
  HoldCommand,
  HoldKind,
  TakeCommand,
  TakeKind,
} from '../ledger/domain/command.ts'
import { LEDGER_RIGHTS } from '../ledger/domain/rights.ts'
import { transferIdFrom } from '../ledger/domain/transfer.ts'
import { readEventAmount } from './read-event-amount.ts'

/** The events that the ledger acts on. */
export type LedgerEvent = PaymentRequested | PaymentCompleted | PaymentFailed | PaymentCanceled

/** A command, or why the event cannot be one: a text for people. */
export type ReadCommand = { command: HoldCommand | TakeCommand } | { cause: string }

/**
 * Reads an event of a payment as a command (P4): requested → hold, completed → commit, failed or
 * canceled → rollback.
 */
export function readPaymentCommand(event: LedgerEvent): ReadCommand {
  const { amount, currency } = event.event_type === 'payment.requested' ? event.payment_data : event
  const amountMinor = readEventAmount(amount, currency)
  if (typeof amountMinor === 'string') return { cause: `${event.event_type}: ${amountMinor}` }
  const kind = kindOf(event)
  const common = {
    tenantId: event.tenant_id,
    actor: event.actor,
    source: { type: 'payment', id: event.payment_id } as const,
    rights: LEDGER_RIGHTS,
    policy: null,
    accountId: event.account_id,
    amountMinor,
    currency,
    key: keyOf(kind, event, amountMinor, currency),
    referenceId: event.payment_id,
    reason: event.event_type,
    transferId: transferIdFrom(newId()),
    valueDate: null,
  }
  if (event.event_type === 'payment.requested') {
    return { command: { ...common, kind: 'hold', expiresInSeconds: null } } // rule 10
  }
  const holdId = event.wallet_transaction_id
  const taking = { ...common, holdId, releaseRest: false }
  if (event.event_type === 'payment.completed') {
    return { command: { ...taking, kind: 'commit', psp: event.psp ?? null } }
  }
  return { command: { ...taking, kind: 'rollback', psp: null } }
}

function kindOf({ event_type: type }: LedgerEvent): HoldKind | TakeKind {
  switch (type) {
    case 'payment.requested':
      return 'hold'
    case 'payment.completed':
      return 'commit'
    case 'payment.failed.gateway_error':
    case 'payment.failed.gateway_unreachable':
    case 'payment.failed.circuit_open':
    case 'payment.canceled':
      return 'rollback'
    default:
      return type satisfies never
  }
}

/** Each payment is held, committed and rolled back once: kind and payment name the operation. */
function keyOf(
  kind: HoldKind | TakeKind,
  event: LedgerEvent,
  amountMinor: bigint,
  currency: string,
): CommandKey {
  const { payment_id: paymentId, tenant_id: tenantId, account_id: accountId } = event
  const request = JSON.stringify([kind, tenantId, paymentId, accountId, `${amountMinor}`, currency])
  return {
    clientId: null,
    value: `${kind}:${paymentId}`,
    fingerprint: hash('sha256', request, 'hex'),
  }
}

import assert from 'node:assert/strict'
import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type {
  FundsInsufficient,
  FundsReleased,
  FundsReserved,
} from '@caudal/contracts/events/funds.ts'
import type {
  PaymentCanceled,
  PaymentFailed,
  PaymentRequested,
} from '@caudal/contracts/events/payments.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { CANCELED } from '@caudal/contracts/reasons.ts'
import type { OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import type { RequestOutcome } from '../ledger/domain/outcome.ts'
import { type Circumstances, traceOf } from '../ledger/ledger-events.ts'
import type { LedgerEvent } from './read-payment-command.ts'

/** The events that a payment's next step needs (P4, P7); `cause` is the event that asked. */
export function nextEvents(
  cause: LedgerEvent,
  outcome: RequestOutcome,
  circumstances: Circumstances,
): OutboxEvent[] {
  if (outcome.type === 'posted') {
    return afterPosting(cause, outcome.transfer.transferId, circumstances)
  }
  const refusedFor = outcome.type === 'refused' ? outcome.hold?.refusedFor : null
  if (refusedFor === null || refusedFor === undefined) return []
  assert(cause.event_type === 'payment.requested', 'only requests are refused a hold')
  return [insufficient(cause, refusedFor, circumstances)]
}

function afterPosting(
  cause: LedgerEvent,
  transferId: string,
  circumstances: Circumstances,
): OutboxEvent[] {
  switch (cause.event_type) {
    case 'payment.requested':
      return [reserved(cause, transferId, circumstances)]
    case 'payment.completed':
      return []
    case 'payment.failed.gateway_error':
    case 'payment.failed.gateway_unreachable':
    case 'payment.failed.circuit_open':
    case 'payment.canceled':
      return [released(cause, circumstances)]
    default:
      return cause satisfies never
  }
}

function reserved(
  cause: PaymentRequested,
  holdId: string,
  circumstances: Circumstances,
): OutboxEvent {
  const event: FundsReserved = {
    ...requestOf(cause, circumstances),
    event_type: 'funds.reserved',
    wallet_transaction_id: holdId,
  }
  return { event, traceparent: traceOf(circumstances) }
}

function insufficient(
  cause: PaymentRequested,
  reason: FundsInsufficient['reason'],
  circumstances: Circumstances,
): OutboxEvent {
  const event: FundsInsufficient = {
    ...requestOf(cause, circumstances),
    event_type: 'funds.insufficient',
    reason,
  }
  return { event, traceparent: traceOf(circumstances) }
}

function released(
  cause: PaymentFailed | PaymentCanceled,
  circumstances: Circumstances,
): OutboxEvent {
  const event: FundsReleased = {
    ...envelopeOf(cause, circumstances),
    event_type: 'funds.released',
    amount: cause.amount,
    currency: cause.currency,
    wallet_transaction_id: cause.wallet_transaction_id,
    reason: cause.event_type === 'payment.canceled' ? CANCELED : cause.reason,
  }
  return { event, traceparent: traceOf(circumstances) }
}

function envelopeOf(cause: LedgerEvent, { region, timestamp }: Circumstances) {
  return {
    event_id: newId(),
    timestamp,
    schema_version: schemaVersionOf('funds.reserved'),
    actor: cause.actor,
    region,
    tenant_id: cause.tenant_id,
    account_id: cause.account_id,
    payment_id: cause.payment_id,
    user_id: cause.user_id,
  }
}

function requestOf(cause: PaymentRequested, circumstances: Circumstances) {
  return {
    ...envelopeOf(cause, circumstances),
    external_order_id: cause.external_order_id,
    idempotency_key: cause.idempotency_key,
    payment_data: cause.payment_data,
  }
}

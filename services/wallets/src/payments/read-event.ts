import { hash } from 'node:crypto'
import type {
  PaymentCompleted,
  PaymentFailed,
  PaymentRequested,
} from '@caudal/contracts/events/payments.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { AmountError } from '@caudal/money/amount-error.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import type { Command, CommandKey } from '../ledger/domain/command.ts'
import { transferIdFrom } from '../ledger/domain/transfer.ts'

/** The events that the ledger acts on. */
export type LedgerEvent = PaymentRequested | PaymentCompleted | PaymentFailed

/** A command, or why the event cannot be one: a text for people. */
export type ParsedCommand = { command: Command } | { cause: string }

/**
 * Reads an event of a payment as a command (P4): requested → hold, completed → commit, failed →
 * rollback. `stripe` is the partition that it came from.
 */
export function parseCommand(event: LedgerEvent, stripe: number): ParsedCommand {
  const { amount, currency } = event.event_type === 'payment.requested' ? event.payment_data : event
  const amountMinor = readAmount(amount, currency)
  if (typeof amountMinor === 'string') return { cause: `${event.event_type}: ${amountMinor}` }
  const common = {
    tenantId: event.tenant_id,
    accountId: event.account_id,
    amountMinor,
    currency,
    referenceId: event.payment_id,
    transferId: transferIdFrom(newId()),
    stripe,
    valueDate: null,
  }
  switch (event.event_type) {
    case 'payment.requested': {
      const kind = 'hold'
      const key = keyOf(kind, event, amountMinor, currency)
      const { payment_id: paymentId } = event
      const expiresInSeconds = null // rule 10
      const reason = event.event_type
      return { command: { ...common, kind, key, paymentId, expiresInSeconds, reason } }
    }
    case 'payment.completed': {
      const kind = 'commit'
      const key = keyOf(kind, event, amountMinor, currency)
      const hold = holdOf(event)
      const reason = event.event_type
      return { command: { ...common, kind, key, hold, releaseRest: false, reason } }
    }
    case 'payment.failed.gateway_error':
    case 'payment.failed.gateway_unreachable':
    case 'payment.failed.circuit_open': {
      const kind = 'rollback'
      const key = keyOf(kind, event, amountMinor, currency)
      return { command: { ...common, kind, key, hold: holdOf(event), reason: event.event_type } }
    }
    default:
      return event satisfies never
  }
}

/** Each payment is held, committed and rolled back once: kind and payment name the operation. */
function keyOf(
  kind: 'hold' | 'commit' | 'rollback',
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

function holdOf(event: PaymentCompleted | PaymentFailed) {
  return {
    by: 'payment',
    paymentId: event.payment_id,
    holdId: event.wallet_transaction_id,
  } as const
}

function readAmount(amount: string, currency: string): bigint | string {
  try {
    const minor = parseAmount(amount, currency)
    return minor > 0n ? minor : 'the amount is zero'
  } catch (error) {
    if (error instanceof AmountError) return error.message
    throw error
  }
}

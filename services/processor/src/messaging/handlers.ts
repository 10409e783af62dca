import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import type { RefundRequested } from '@caudal/contracts/events/refunds.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import type { OrderBy } from '@caudal/event-log/order-key.ts'
import { type Handlers, Unprocessable } from '@caudal/event-log/router.ts'
import { AmountError } from '@caudal/money/amount-error.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import { parseTraceparent } from '@caudal/telemetry/trace-context.ts'
import type { PaymentFacts } from '../domain/operation-facts.ts'
import type { MoneyDestination, PaymentOrder } from '../domain/psp-order.ts'

/** A payment whose funds are held, and the request for the PSP. */
export type ReservedPayment = {
  kind: 'pay'
  facts: PaymentFacts
  order: UnroutedOrder
}

/** The account that pays is one at the PSP, which is chosen later. */
export type UnroutedOrder = Omit<PaymentOrder, 'sourceAccountNumber'>

/** A refund that payments accepted. How it is carried out is chosen with the payment's row. */
export type RequestedRefund = {
  kind: 'refund'
  refundId: string
  paymentId: string
  tenantId: string
  accountId: string
  userId: string
  amountMinor: bigint
  currency: string
  requestedAt: string
  traceparent: string | null
}

/** A payout that was decided and whose money is set aside. */
export type RequestedPayout = {
  kind: 'payout'
  payoutId: string
  tenantId: string
  accountId: string
  userId: string
  amountMinor: bigint
  currency: string
  destination: MoneyDestination
  /** RFC 3339. */
  requestedAt: string
  traceparent: string | null
}

/** What is taken in. No event asks for a payout yet. */
export type ProcessorWork = ReservedPayment | RequestedRefund | RequestedPayout

/** Each payment is called by itself, and its refunds follow each other. */
export const orderBy: OrderBy = {
  [TOPICS.fundsReserved]: ['payment_id'],
  [TOPICS.refundsRequested]: ['payment_id'],
}

/**
 * The handlers of the processor: each `funds.reserved` becomes a payment at the PSP (P7), each
 * `refund.requested` a refund or a void.
 */
export function createHandlers(): Handlers<ProcessorWork> {
  return {
    'funds.reserved': ({ event, record }) => {
      const amountMinor = readAmount(event.payment_data)
      if (typeof amountMinor === 'string') return new Unprocessable(amountMinor)
      const traceparent = parseTraceparent(record.headers['traceparent'])
      return reserved(event, amountMinor, traceparent)
    },
    'refund.requested': ({ event, record }) => {
      const amountMinor = readAmount(event)
      if (typeof amountMinor === 'string') return new Unprocessable(amountMinor)
      return requested(event, amountMinor, parseTraceparent(record.headers['traceparent']))
    },
  }
}

function reserved(
  event: FundsReserved,
  amountMinor: bigint,
  traceparent: string | null,
): ReservedPayment {
  const { payment_id: paymentId, tenant_id: tenantId, payment_data: data } = event
  const { currency } = data
  return {
    kind: 'pay',
    facts: {
      kind: 'pay',
      operationId: paymentId,
      paymentId,
      tenantId,
      accountId: event.account_id,
      userId: event.user_id,
      walletTransactionId: event.wallet_transaction_id,
      amountMinor,
      currency,
      destinationBank: data.service_bank_code,
      traceparent,
    },
    order: {
      kind: 'pay',
      operationId: paymentId,
      paymentId,
      // The time of the event, so that a rebuilt database produces the same bytes.
      requestedAt: event.timestamp,
      amount: formatAmount(amountMinor, currency),
      currency,
      destination: {
        name: data.service_name,
        accountNumber: data.service_account_number,
        bankCode: data.service_bank_code,
      },
    },
  }
}

function requested(
  event: RefundRequested,
  amountMinor: bigint,
  traceparent: string | null,
): RequestedRefund {
  return {
    kind: 'refund',
    refundId: event.refund_id,
    paymentId: event.payment_id,
    tenantId: event.tenant_id,
    accountId: event.account_id,
    userId: event.user_id,
    amountMinor,
    currency: event.currency,
    // As it is read from the row, so that a refund after a void has the same time.
    requestedAt: new Date(event.timestamp).toISOString(),
    traceparent,
  }
}

type Amount = { amount: string; currency: string }

/** The amount in minor units, or why no money can move. */
function readAmount({ amount, currency }: Amount): bigint | string {
  try {
    const amountMinor = parseAmount(amount, currency)
    return amountMinor > 0n ? amountMinor : 'the amount is zero'
  } catch (error) {
    if (error instanceof AmountError) return `${error.code}: ${error.message}`
    throw error
  }
}

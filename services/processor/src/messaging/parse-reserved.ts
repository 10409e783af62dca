import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import type { IncomingEvent } from '@caudal/event-log/incoming-event.ts'
import { type Parked, ParkError } from '@caudal/event-log/park-error.ts'
import { AmountError } from '@caudal/money/amount-error.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import { parseTraceparent } from '@caudal/telemetry/trace-context.ts'
import type { PaymentFacts } from '../domain/payment-facts.ts'
import { type SourceAccounts, sourceAccountOf } from '../domain/source-account.ts'

/** A payment whose funds are held, and what the PSP is to be asked for. */
export type ReservedPayment = {
  facts: PaymentFacts
  order: {
    paymentId: string
    requestedAt: string
    amount: string
    currency: string
    sourceAccountNumber: string
    destination: { name: string; accountNumber: string; bankCode: string }
  }
}

/**
 * Reads `funds.reserved` events (P7). A payment that comes twice is read once.
 *
 * @throws {ParkError} for those whose amount cannot be paid
 */
export function parseReserved(
  incoming: readonly IncomingEvent<FundsReserved>[],
  accounts: SourceAccounts,
): ReservedPayment[] {
  const payments = new Map<string, ReservedPayment>()
  const parked: Parked[] = []
  for (const { event, record } of incoming) {
    const refuse = (cause: string): void =>
      void parked.push({ record, kind: 'unprocessable', cause })
    const amountMinor = readAmount(event)
    if (typeof amountMinor === 'string') refuse(amountMinor)
    else if (!payments.has(event.payment_id)) {
      const traceparent = parseTraceparent(record.headers['traceparent'])
      payments.set(event.payment_id, reserved(event, amountMinor, traceparent, accounts))
    }
  }
  if (parked.length > 0) throw new ParkError(parked)
  return [...payments.values()]
}

function reserved(
  event: FundsReserved,
  amountMinor: bigint,
  traceparent: string | null,
  accounts: SourceAccounts,
): ReservedPayment {
  const { payment_id: paymentId, tenant_id: tenantId, payment_data: data } = event
  const { currency } = data
  return {
    facts: {
      paymentId,
      tenantId,
      accountId: event.account_id,
      userId: event.user_id,
      walletTransactionId: event.wallet_transaction_id,
      amountMinor,
      currency,
      traceparent,
    },
    order: {
      paymentId,
      // The event's own time, so that the bytes are the same if the database is ever rebuilt.
      requestedAt: event.timestamp,
      amount: formatAmount(amountMinor, currency),
      currency,
      sourceAccountNumber: sourceAccountOf(accounts, tenantId, currency),
      destination: {
        name: data.service_name,
        accountNumber: data.service_account_number,
        bankCode: data.service_bank_code,
      },
    },
  }
}

/** Minor units, or why they cannot be paid. */
function readAmount({ payment_data: { amount, currency } }: FundsReserved): bigint | string {
  try {
    const amountMinor = parseAmount(amount, currency)
    return amountMinor > 0n ? amountMinor : 'the amount is zero'
  } catch (error) {
    if (error instanceof AmountError) return `${error.code}: ${error.message}`
    throw error
  }
}

import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import type { OrderBy } from '@caudal/event-log/order-key.ts'
import { type Handlers, Unprocessable } from '@caudal/event-log/router.ts'
import { AmountError } from '@caudal/money/amount-error.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import { parseTraceparent } from '@caudal/telemetry/trace-context.ts'
import type { PaymentFacts } from '../domain/payment-facts.ts'
import { type SourceAccounts, sourceAccountOf } from '../domain/source-account.ts'

/** A payment whose funds are held, and the request for the PSP. */
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

/** Each payment is called by itself. */
export const orderBy: OrderBy = { [TOPICS.fundsReserved]: ['payment_id'] }

/** The handlers of the processor: each `funds.reserved` becomes a payment at the PSP (P7). */
export function createHandlers(accounts: SourceAccounts): Handlers<ReservedPayment> {
  return {
    'funds.reserved': ({ event, record }) => {
      const amountMinor = readAmount(event)
      if (typeof amountMinor === 'string') return new Unprocessable(amountMinor)
      const traceparent = parseTraceparent(record.headers['traceparent'])
      return reserved(event, amountMinor, traceparent, accounts)
    },
  }
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
      destinationBank: data.service_bank_code,
      traceparent,
    },
    order: {
      paymentId,
      // The time of the event, so that a rebuilt database produces the same bytes.
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

/** The amount in minor units, or why it cannot be paid. */
function readAmount({ payment_data: { amount, currency } }: FundsReserved): bigint | string {
  try {
    const amountMinor = parseAmount(amount, currency)
    return amountMinor > 0n ? amountMinor : 'the amount is zero'
  } catch (error) {
    if (error instanceof AmountError) return `${error.code}: ${error.message}`
    throw error
  }
}

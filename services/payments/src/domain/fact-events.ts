import type { Actor } from '@caudal/contracts/actor.ts'
import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type { PaymentRecovered } from '@caudal/contracts/events/payments.ts'
import type { RefundRequested } from '@caudal/contracts/events/refunds.ts'
import type { PaymentReturned, ReturnUnmatched } from '@caudal/contracts/events/returns.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { EventContext } from './event-context.ts'
import type { Payment } from './payment.ts'
import type { Refund } from './refund.ts'
import { cameBack, type ReturnedMoney } from './returned-money.ts'

/** What caused an event, and the time and ids for it. */
export interface Cause {
  actor: Actor
  context: EventContext
}

type ResultType = 'payment.returned' | 'return.unmatched' | 'payment.recovered' | 'refund.requested'

function envelopeOf<T extends ResultType>(
  type: T,
  about: { tenantId: string; accountId: string },
  { actor, context }: { actor: Actor; context: EventContext },
) {
  return {
    event_id: context.mintId(),
    event_type: type,
    timestamp: context.now.toISOString(),
    schema_version: schemaVersionOf(type),
    region: context.region,
    actor,
    tenant_id: about.tenantId,
    account_id: about.accountId,
  }
}

/** The return is credited to the wallet. */
export function paymentReturned(
  returned: ReturnedMoney,
  payment: Payment,
  cause: Cause,
): PaymentReturned {
  return {
    ...envelopeOf('payment.returned', payment, cause),
    payment_id: payment.paymentId,
    user_id: payment.userId,
    ...partsOf(returned),
    service_name: payment.serviceName,
  }
}

/** The return is in suspense, and belongs to no payment that could take it. */
export function returnUnmatched(returned: ReturnedMoney, cause: Cause): ReturnUnmatched {
  return { ...envelopeOf('return.unmatched', returned, cause), ...partsOf(cameBack(returned)) }
}

/** The failed payment is COMPLETED. */
export function paymentRecovered(payment: Payment, cause: Cause): PaymentRecovered {
  return {
    ...envelopeOf('payment.recovered', payment, cause),
    payment_id: payment.paymentId,
    user_id: payment.userId,
    external_order_id: payment.externalOrderId,
    amount: formatAmount(payment.amountMinor, payment.currency),
    currency: payment.currency,
    service_name: payment.serviceName,
  }
}

/** The PSP is to give the money of the payment back. */
export function refundRequested(refund: Refund, cause: Cause): RefundRequested {
  return {
    ...envelopeOf('refund.requested', refund, cause),
    payment_id: refund.paymentId,
    user_id: refund.userId,
    refund_id: refund.refundId,
    amount: formatAmount(refund.amountMinor, refund.currency),
    currency: refund.currency,
  }
}

function partsOf(returned: ReturnedMoney) {
  const { returnId, psp, amountMinor, currency, reason, reasonCode } = returned
  return {
    return_id: returnId,
    psp,
    amount: formatAmount(amountMinor, currency),
    currency,
    reason,
    reason_code: reasonCode,
  }
}

import { newId } from '@caudal/contracts/ids.ts'
import type { PaymentFacts } from '../src/domain/operation-facts.ts'

/** The facts of a new payment of 10.00 USD; `over` replaces some. */
export function newPaymentFacts(over: Partial<PaymentFacts> = {}): PaymentFacts {
  const paymentId = over.paymentId ?? newId()
  return {
    kind: 'pay',
    operationId: paymentId,
    paymentId,
    tenantId: 'caudal',
    accountId: newId(),
    userId: newId(),
    walletTransactionId: newId(),
    amountMinor: 1_000n,
    currency: 'USD',
    destinationBank: 'BNK112',
    traceparent: null,
    ...over,
  }
}

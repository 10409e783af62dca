import type { PaymentOrder } from './adapter.ts'

/** The body of `POST /v1/payments`; the order of its members is fixed (P5). */
export function freezeRequest(order: PaymentOrder): Buffer {
  const { destination } = order
  return Buffer.from(
    JSON.stringify({
      payment_id: order.paymentId,
      timestamp: order.requestedAt,
      amount: order.amount,
      currency: order.currency,
      source: { account_number: order.sourceAccountNumber },
      destination: {
        name: destination.name,
        account_number: destination.accountNumber,
        bank_code: destination.bankCode,
      },
    }),
  )
}

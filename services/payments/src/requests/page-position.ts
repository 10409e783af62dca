import type { Static } from 'typebox'
import type { Payment } from '../domain/payment.ts'
import type { PageCursor } from './schemas.ts'

/** The position of a payment in a list by time. */
export function positionOf(payment: Payment): Static<typeof PageCursor> {
  return { created_at: payment.createdAt.toISOString(), payment_id: payment.paymentId }
}

/** Behind what a list goes on. */
export function afterOf(position: Static<typeof PageCursor>): {
  createdAt: Date
  paymentId: string
} {
  return { createdAt: new Date(position.created_at), paymentId: position.payment_id }
}

import type { Static } from 'typebox'
import type { Payment } from '../domain/payment.ts'
import type { PagePosition } from '../store/list-payments.ts'
import type { PageCursor } from './schemas.ts'

/** The position of a payment in a list by time. */
export function positionOf(payment: Payment): Static<typeof PageCursor> {
  return { created_at: payment.createdAt.toISOString(), payment_id: payment.paymentId }
}

/** The position behind which a list continues, as it is read from its cursor. */
export function afterOf(position: Static<typeof PageCursor>): PagePosition {
  return { createdAt: new Date(position.created_at), paymentId: position.payment_id }
}

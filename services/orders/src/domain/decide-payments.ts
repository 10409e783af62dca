import { externalKeyOf, type OrderKey } from './order.ts'
import type { PaidOrder } from './orders-paid-by.ts'

/** A payment that does not pay its order. */
export type UnmarkedPayment = {
  /** The place of its event in the batch. */
  position: number
  /** The payment that the order is paid with; null when its user has no such order. */
  paidWith: string | null
}

/** The name of an order of its user: in another user's name a payment names another order. */
export function ownedKeyOf(order: OrderKey): string {
  return `${order.userId} ${externalKeyOf(order)}`.toLowerCase()
}

/** Of each order the first payment in the batch: it pays the order unless that is paid already. */
export function firstPayments(paid: readonly PaidOrder[]): PaidOrder[] {
  const first = new Map<string, PaidOrder>()
  for (const payment of paid) {
    const key = ownedKeyOf(payment)
    if (!first.has(key)) first.set(key, payment)
  }
  return [...first.values()]
}

/**
 * Decides which payments do not pay their order, by the payment that each order is now paid with
 * (by `ownedKeyOf`): the order is unknown, or another payment paid it. A payment that paid its
 * order before is a redelivery, and none of them.
 */
export function decidePayments(
  paid: readonly PaidOrder[],
  paidWith: ReadonlyMap<string, string>,
): UnmarkedPayment[] {
  const unmarked: UnmarkedPayment[] = []
  for (const payment of paid) {
    const { position, paymentId } = payment
    const payer = paidWith.get(ownedKeyOf(payment)) ?? null
    if (payer !== paymentId) unmarked.push({ position, paidWith: payer })
  }
  return unmarked
}

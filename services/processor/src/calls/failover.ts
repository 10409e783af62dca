import type { CallKey } from '@caudal/outbound/call-key.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { OperationFacts } from '../domain/operation-facts.ts'
import { nextPspOf } from '../domain/route.ts'
import { findPaymentRoutes, movePayments, type PaymentMove } from '../store/payment-routes.ts'
import { callKeyOf } from './call-key-of.ts'

/** How payments of one PSP, of which nothing left, change to another one of their route. */
export type Failover = {
  /** The PSP that they leave. */
  psp: string
  /** Whether new payments of the key go to the PSP now: it is enabled and its circuit is closed. */
  isOpen(psp: string, key: CallKey): boolean
  /** Payments wait for these PSPs from now on, and are due in so many milliseconds. */
  moved(psps: readonly string[], dueInMs: number): void
}

/**
 * Moves payments, whose rows are locked and of which nothing left, to the next PSP of their route
 * that takes them. Returns the PSP of each one that moved; the others have no choice.
 */
export async function moveToNext(
  tx: Tx,
  { psp, isOpen }: Failover,
  facts: readonly OperationFacts[],
): Promise<ReadonlyMap<string, string>> {
  if (facts.length === 0) return new Map()
  const routes = await findPaymentRoutes(
    tx,
    facts.map(({ operationId }) => operationId),
  )
  const moves = facts.flatMap((one): PaymentMove[] => {
    const { operationId: paymentId } = one
    const key = callKeyOf(one)
    const next = nextPspOf(routes.get(paymentId) ?? [], psp, (other) => isOpen(other, key))
    return next === null ? [] : [{ paymentId, psp: next }]
  })
  if (moves.length === 0) return new Map()
  const moved = await movePayments(tx, moves)
  const done = moves.filter(({ paymentId }) => moved.has(paymentId))
  return new Map(done.map((move) => [move.paymentId, move.psp]))
}

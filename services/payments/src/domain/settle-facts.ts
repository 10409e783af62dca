import type { Actor } from '@caudal/contracts/actor.ts'
import type { EventType } from '@caudal/contracts/catalogue.ts'
import { lateEffect, placedReturn } from './decide-facts.ts'
import type { EventContext } from './event-context.ts'
import { type FactEffect, factEffect } from './fact-effect.ts'
import type { Cause } from './fact-events.ts'
import { placedRefund } from './found-refund-effects.ts'
import type { FoundRefund } from './found-refund.ts'
import { decideLateCapture, isLateCaptureDue } from './late-capture.ts'
import { isSettled } from './payment-sums.ts'
import type { Payment } from './payment.ts'
import type { Refund } from './refund.ts'
import { cameBack, isUndecided, type ReturnedMoney } from './returned-money.ts'

/** What is known of the money of a payment that came back. */
export interface FactsOfPayment {
  returns: readonly ReturnedMoney[]
  found: readonly FoundRefund[]
  refunds: ReadonlyMap<string, Refund>
  /** Whether the failed payment occupies its order. */
  occupies: boolean
}

/** What lets facts be settled, and what a decision takes from outside. */
interface Occasion {
  /** The event that changed the payment; its type is null if it ended elsewhere. */
  event: { event_type: EventType | null; actor: Actor }
  context: EventContext
}

/** Whether something about the payment waits for what the event made of it. */
export function hasDueFacts(payment: Payment, type: EventType | null): boolean {
  if (isLateCaptureDue(payment)) return true
  return payment.keepsFacts && (isSettled(payment) || type === 'payment.captured_late')
}

/**
 * Decides what waited for the end of a payment. A success after the failure proves that the payment
 * fails: what came back before it is that of a failed payment, and what comes back after it waits
 * for the end of the success. So the order of this topic decides, and not how far the payment was.
 * Each effect is the start of the next one.
 */
export function settleFacts(
  payment: Payment,
  facts: FactsOfPayment,
  { event, context }: Occasion,
): FactEffect[] {
  const cause = { actor: event.actor, context }
  if (isSettled(payment)) return placeKept(payment, facts, cause)
  const earlier =
    event.event_type === 'payment.captured_late' && payment.keepsFacts
      ? suspendKept(payment, facts, cause)
      : []
  const before = earlier.at(-1)?.payment ?? payment
  if (!isLateCaptureDue(before)) return earlier
  const { occupies } = facts
  const suspendedMinor = suspendedOf(before, withEffects(facts, earlier))
  const late = lateEffect(decideLateCapture(before, { occupies, suspendedMinor }), cause)
  const after = late.payment ?? before
  const isDone = after.keepsFacts && isSettled(after)
  return [...earlier, late, ...(isDone ? placeKept(after, facts, cause) : [])]
}

/** Places what was kept, in the order in which it was received. */
function placeKept(before: Payment, facts: FactsOfPayment, cause: Cause): FactEffect[] {
  let payment: Payment = { ...before, keepsFacts: false }
  const effects = [factEffect({ payment })]
  const waiting = [
    ...facts.returns.filter(isUndecided),
    ...facts.found.filter(({ status }) => status === 'RECEIVED'),
  ]
  for (const fact of waiting.toSorted(byReceipt)) {
    const effect =
      'returnId' in fact
        ? placedReturn(fact, payment, cause)
        : placedRefund(fact, { payment, refund: facts.refunds.get(fact.refundId) }, cause)
    payment = effect.payment ?? payment
    effects.push(effect)
  }
  return effects
}

/** Places what was kept as if the payment had FAILED, which changes nothing else of it. */
function suspendKept(payment: Payment, facts: FactsOfPayment, cause: Cause): FactEffect[] {
  const failed: Payment = { ...payment, status: 'FAILED', lateCapture: null }
  const after: Payment = { ...payment, keepsFacts: false }
  return placeKept(failed, facts, cause).map((effect) => ({ ...effect, payment: after }))
}

/** Money of the payment that came back and waits in suspense. */
function suspendedOf({ currency }: Payment, { returns, found }: FactsOfPayment): bigint {
  return [...returns.map(cameBack), ...found].reduce(
    (sum, one) =>
      one.suspendedFor !== null && one.currency === currency ? sum + one.amountMinor : sum,
    0n,
  )
}

function withEffects(facts: FactsOfPayment, effects: readonly FactEffect[]): FactsOfPayment {
  const returns = [...facts.returns, ...effects.flatMap((effect) => effect.returns)]
  const found = [...facts.found, ...effects.flatMap((effect) => effect.found)]
  return {
    ...facts,
    returns: [...new Map(returns.map((it) => [it.returnId, it])).values()],
    found: [...new Map(found.map((it) => [it.refundId, it])).values()],
  }
}

function byReceipt(a: ReturnedMoney | FoundRefund, b: ReturnedMoney | FoundRefund): number {
  const byTime = a.receivedAt.getTime() - b.receivedAt.getTime()
  return byTime === 0 ? (idOf(a) < idOf(b) ? -1 : 1) : byTime
}

function idOf(fact: ReturnedMoney | FoundRefund): string {
  return 'returnId' in fact ? fact.returnId : fact.refundId
}

import type {
  FundsInsufficient,
  FundsReleased,
  FundsReserved,
} from '@caudal/contracts/events/funds.ts'
import type {
  PaymentCanceled,
  PaymentCompleted,
  PaymentFailed,
  PaymentInDoubt,
} from '@caudal/contracts/events/payments.ts'
import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import { CANCELED, type FailureReason, WALLET_REASONS } from '@caudal/contracts/reasons.ts'
import type { Payment } from './payment.ts'

/** The events of other services that move a payment. */
export type PaymentEvent =
  | FundsReserved
  | FundsInsufficient
  | PaymentInDoubt
  | PaymentCompleted
  | PaymentFailed
  | PaymentCanceled
  | FundsReleased

/**
 * The payment after one event. The same object if the event changes nothing; 'contradicts' if the
 * event conflicts with the state, such as a success after a failure.
 */
export type Evolution = Payment | 'contradicts'

/**
 * How a payment moves (rule 2, P3). States only move forward. Events of different topics may arrive
 * in any order, so the result does not depend on the order. A success is final with the PSP's
 * verdict. A failure with a hold is final when the wallet has released the hold.
 */
export function evolve(payment: Payment, event: PaymentEvent, now: Date): Evolution {
  switch (event.event_type) {
    case 'funds.reserved':
      return reserved(payment, now)
    case 'payment.in_doubt':
      return inDoubt(payment, now)
    case 'payment.completed':
      return completed(payment, event, now)
    case 'funds.insufficient':
      return refusedByWallet(payment, event, now)
    case 'payment.failed.gateway_error':
    case 'payment.failed.gateway_unreachable':
    case 'payment.failed.circuit_open':
      return failedAtPsp(payment, event)
    case 'payment.canceled':
      return canceled(payment)
    case 'funds.released':
      return released(payment, event, now)
    default:
      return event satisfies never
  }
}

/** Whether the payment failed before anything was held. */
function wasRefusedByWallet({ reason }: Payment): boolean {
  return (WALLET_REASONS as readonly (FailureReason | null)[]).includes(reason)
}

function reserved(payment: Payment, now: Date): Evolution {
  if (wasRefusedByWallet(payment)) return 'contradicts'
  if (payment.status !== 'PENDING') return payment
  return { ...payment, status: 'RESERVED', updatedAt: now, reservedAt: now }
}

function inDoubt(payment: Payment, now: Date): Evolution {
  if (wasRefusedByWallet(payment)) return 'contradicts'
  if (payment.status !== 'PENDING' && payment.status !== 'RESERVED') return payment
  return { ...payment, status: 'IN_DOUBT', updatedAt: now, inDoubtAt: now }
}

function completed(payment: Payment, event: PaymentCompleted, now: Date): Evolution {
  if (payment.reason !== null) return 'contradicts'
  if (payment.status === 'COMPLETED') return payment
  return {
    ...payment,
    status: 'COMPLETED',
    pspAnswer: event.gateway_response,
    psp: event.psp ?? DEFAULT_PSP,
    updatedAt: now,
    finalizedAt: now,
  }
}

function refusedByWallet(payment: Payment, event: FundsInsufficient, now: Date): Evolution {
  if (wasRefusedByWallet(payment)) return payment
  if (payment.status !== 'PENDING' || payment.reason !== null) return 'contradicts'
  return { ...payment, status: 'FAILED', reason: event.reason, updatedAt: now, finalizedAt: now }
}

/** Stores the verdict. The hold is not released yet, so the status is not FAILED yet. */
function failedAtPsp(payment: Payment, event: PaymentFailed): Evolution {
  if (payment.lateCapture === 'RECOVERED') return payment
  if (payment.status === 'COMPLETED' || wasRefusedByWallet(payment)) return 'contradicts'
  if (payment.pspAnswer !== null) return payment
  return {
    ...payment,
    reason: payment.reason ?? event.reason,
    pspAnswer: event.gateway_response,
  }
}

/** Stores that the payment never left for the PSP; like any verdict, it waits for the release. */
function canceled(payment: Payment): Evolution {
  if (payment.status === 'COMPLETED' || wasRefusedByWallet(payment)) return 'contradicts'
  return payment.reason === null ? { ...payment, reason: CANCELED } : payment
}

/** The funds are released. The event has the reason, because it may arrive before the verdict. */
function released(payment: Payment, event: FundsReleased, now: Date): Evolution {
  if (payment.lateCapture === 'RECOVERED') return payment
  if (payment.status === 'COMPLETED' || wasRefusedByWallet(payment)) return 'contradicts'
  if (payment.status === 'FAILED') return payment
  return {
    ...payment,
    status: 'FAILED',
    reason: payment.reason ?? event.reason,
    updatedAt: now,
    finalizedAt: now,
  }
}

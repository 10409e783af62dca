import type { Verdict } from '@caudal/simulator-kit/plan-outcome.ts'

/** Money that comes back, or is paid out, by a decision of this bank. */
export type DecidedKind = 'refund' | 'void' | 'return' | 'payout'

/** What a client asks for. */
export type ClientKind = Exclude<DecidedKind, 'return'>

/** A request for money that comes back or is paid out, from a client or from the bank's console. */
export interface MovementRequest {
  kind: DecidedKind
  /** In lower case; for a client also the Idempotency-Key. */
  movementId: string
  /** null for a payout. */
  paymentId: string | null
  /** Where a payout goes; null for money that comes back. */
  accountNumber: string | null
  /** As the client states it; null from the console. */
  gatewayTransactionId: string | null
  /** null: all that remains; a payout states it. */
  amountMinor: bigint | null
  /** What the bank keeps of a return beside the amount. */
  chargesMinor: bigint
  currency: string | null
  reason: string | null
  /** SHA-256 of the request's values, in hex. */
  fingerprint: string
  fromConsole: boolean
  /** Only for a return: it may exceed what is left of the charge. */
  beyondCharge: boolean
}

/** An approved payment, with what has come back of it so far. */
export interface Charge {
  paymentId: string
  gatewayTransactionId: string
  amountMinor: bigint
  currency: string
  accountNumber: string
  ageMs: number
  backMinor: bigint
  voided: boolean
}

/** How old a charge may be. */
export interface MovementLimits {
  voidMs: number
  refundMs: number
}

/** The bank's codes for a refund, void or payout that fails. */
export type MovementErrorCode =
  | 'payment_not_found'
  | 'nothing_left_to_refund'
  | 'refund_declined'
  | 'refund_window_closed'
  | 'already_settled'
  | 'already_voided'
  | 'invalid_account_number'

/** The verdict about a movement. */
export type MovementDecision =
  | { verdict: 'approved'; amountMinor: bigint; currency: string }
  | { verdict: 'failed'; errorCode: MovementErrorCode }

/** A movement that has a verdict. */
export interface DecidedMovement {
  kind: DecidedKind
  movementId: string
  paymentId: string | null
  verdict: Verdict
  errorCode: MovementErrorCode | null
  gatewayMovementId: string | null
  amountMinor: bigint | null
  currency: string | null
}

/** Declines by behaviour: each kind of movement has a code for "no, and it never will". */
export function declineCode(kind: DecidedKind): MovementErrorCode {
  if (kind === 'payout') return 'invalid_account_number'
  return kind === 'void' ? 'already_settled' : 'refund_declined'
}

/**
 * Decides a movement against the bank's books: what comes back of a charge never exceeds it, unless
 * the console demands that. `charge` is undefined if the payment was not approved.
 */
export function decideMovement(
  charge: Charge | undefined,
  request: MovementRequest,
  limits: MovementLimits,
): MovementDecision {
  const { gatewayTransactionId: stated, kind } = request
  if (kind === 'payout') return decidePayout(request)
  if (charge === undefined) return failed('payment_not_found')
  if (stated !== null && stated !== charge.gatewayTransactionId) return failed('payment_not_found')
  const leftMinor = request.beyondCharge
    ? charge.amountMinor
    : charge.amountMinor - charge.backMinor
  const { chargesMinor } = request
  const amountMinor = request.amountMinor ?? leftMinor - chargesMinor
  if (kind === 'void') {
    if (charge.voided) return failed('already_voided')
    // A charge of which something came back can no longer be undone as a whole.
    const isWhole = leftMinor === charge.amountMinor
    if (!isWhole || charge.ageMs > limits.voidMs) return failed('already_settled')
  } else {
    const isWithin = amountMinor > 0n && amountMinor + chargesMinor <= leftMinor
    if (!isWithin) return failed('nothing_left_to_refund')
    if (request.currency !== null && request.currency !== charge.currency) {
      return failed('refund_declined')
    }
    if (kind === 'refund' && !request.fromConsole && charge.ageMs > limits.refundMs) {
      return failed('refund_window_closed')
    }
  }
  return { verdict: 'approved', amountMinor, currency: charge.currency }
}

function decidePayout({ amountMinor, currency }: MovementRequest): MovementDecision {
  if (amountMinor === null || currency === null) throw new Error('a payout states its amount')
  return { verdict: 'approved', amountMinor, currency }
}

function failed(errorCode: MovementErrorCode): MovementDecision {
  return { verdict: 'failed', errorCode }
}

import type { DeclineCode } from '@caudal/contracts/decline-codes.ts'
import type { PspAnswer } from '@caudal/contracts/events/payments.ts'

/** The PSP's fields of an approval, with the id of the transaction that moved the money. */
export type Approval = PspAnswer & { gateway_transaction_id: string }

/**
 * The outcome of one operation request. Only `approved` and `declined` are verdicts. A request that
 * may have left and has no readable answer is `ambiguous` (rule 9).
 */
export type SendOutcome =
  | { kind: 'approved'; response: Approval }
  /** A verdict that refuses this operation, with its reason in words of our own if it is known. */
  | { kind: 'declined'; response: PspAnswer; declineCode?: DeclineCode }
  /** The PSP accepted the request and will decide later: neither a success nor a failure. */
  | { kind: 'pending'; response: PspAnswer }
  /** 5xx with the PSP's own `failed` for this operation: temporary, and nothing is in flight. */
  | { kind: 'unavailable'; response: PspAnswer; retryAfterMs: number | null }
  /** 429: the PSP did not accept the request. */
  | { kind: 'rate_limited'; response: PspAnswer | null; retryAfterMs: number | null }
  /** 401, 403 and unexpected 4xx: alerts an operator and never fails the operation (P5). */
  | { kind: 'misconfigured' }
  | { kind: 'ambiguous' }
  /** Provably no byte of the request was written. */
  | { kind: 'not_sent'; cause: 'unreachable' | 'deadline' | 'circuit_open' }

/** The PSP's answer to a status query. */
export type StatusAnswer =
  | { kind: 'approved'; response: Approval }
  | { kind: 'failed'; response: PspAnswer; declineCode?: DeclineCode }
  | { kind: 'pending'; response: PspAnswer }
  | { kind: 'not_found' }
  /** No readable answer. */
  | { kind: 'unknown' }

/** An attempt as it is stored; SENDING means "may have left". */
export type AttemptStatus =
  | 'SENDING'
  | 'APPROVED'
  | 'DECLINED'
  | 'ACCEPTED'
  | 'UNAVAILABLE'
  | 'RATE_LIMITED'
  | 'MISCONFIGURED'
  | 'UNKNOWN'
  | 'NOT_SENT'

const ATTEMPT_STATUS = {
  approved: 'APPROVED',
  declined: 'DECLINED',
  pending: 'ACCEPTED',
  unavailable: 'UNAVAILABLE',
  rate_limited: 'RATE_LIMITED',
  misconfigured: 'MISCONFIGURED',
  ambiguous: 'UNKNOWN',
  not_sent: 'NOT_SENT',
} as const satisfies Record<SendOutcome['kind'], AttemptStatus>

/** How the attempt with this outcome is stored. */
export function attemptStatusOf(outcome: SendOutcome): Exclude<AttemptStatus, 'SENDING'> {
  return ATTEMPT_STATUS[outcome.kind]
}

import { formatAmount } from '@caudal/money/format-amount.ts'
import type { BankLanguage, PreparedDelivery } from '@caudal/simulator-kit/http/deliver.ts'
import { jsonResponse } from '@caudal/simulator-kit/http/write-response.ts'
import { oppositeOf } from '@caudal/simulator-kit/plan-outcome.ts'
import {
  type ClientKind,
  type DecidedMovement,
  declineCode,
  type MovementErrorCode,
} from './movement.ts'
import { falseMembers, responsesWithoutVerdict, statusNotFound } from './payment-responses.ts'

/** A refund, a void or a payout and how to respond about it. */
export interface PreparedMovement extends PreparedDelivery {
  kind: ClientKind
  movementId: string
  /** null for a payout, and where only the movement's own id is known. */
  paymentId: string | null
  /** null if it has no verdict. */
  movement: DecidedMovement | null
  traceId: string
}

const MESSAGES: Readonly<Record<MovementErrorCode, string>> = {
  payment_not_found: 'There is no approved payment with these ids.',
  nothing_left_to_refund: 'The amount exceeds what is left of the payment.',
  refund_declined: 'The refund was declined.',
  refund_window_closed: 'The payment is too old for a refund.',
  already_settled: 'The payment is settled; refund it instead.',
  already_voided: 'The payment was voided before.',
  invalid_account_number: 'The account number is invalid.',
}

const common = responsesWithoutVerdict<PreparedMovement>((what) => idsOf(what))

/** The responses to POST /v1/refunds, /v1/voids and /v1/payouts: 200 if approved, 422 if not. */
export const movementResponses: BankLanguage<PreparedMovement> = {
  ...common,
  answer: ({ movement }) => {
    const status = movement!.verdict === 'approved' ? 200 : 422
    return jsonResponse(status, JSON.stringify(movementMembers(movement!)))
  },
  falseAnswer(what, lie) {
    const { verdict, kind, currency } = what.movement!
    if (verdict !== 'approved' || lie === 'contradict') return movementResponses.answer(what)
    const members = movementMembers(what.movement!)
    return falseMembers(members, { lie, idName: `gateway_${kind}_id`, currency: currency! })
  },
  notFound: (what) => statusNotFound(idsOf(what)),
}

/** The responses to GET /v1/{refunds,voids,payouts}/{id}: always 200. */
export const movementStatuses: BankLanguage<PreparedMovement> = {
  ...movementResponses,
  answer: ({ movement }) => jsonResponse(200, JSON.stringify(movementMembers(movement!))),
  falseAnswer(what, lie) {
    const movement = what.movement!
    if (lie === 'contradict') {
      return jsonResponse(200, JSON.stringify(movementMembers(opposite(movement))))
    }
    if (movement.verdict !== 'approved') return movementStatuses.answer(what)
    return movementResponses.falseAnswer(what, lie)
  },
}

function idsOf({ kind, movementId, paymentId }: PreparedMovement): Record<string, string> {
  return { [`${kind}_id`]: movementId, ...(paymentId !== null && { payment_id: paymentId }) }
}

function movementMembers(movement: DecidedMovement): Record<string, unknown> {
  const { kind, movementId, paymentId, errorCode } = movement
  const ids = { [`${kind}_id`]: movementId, ...(paymentId !== null && { payment_id: paymentId }) }
  if (movement.verdict === 'failed') {
    return { status: 'failed', error_code: errorCode, message: MESSAGES[errorCode!], ...ids }
  }
  return {
    ...ids,
    status: 'approved',
    [`gateway_${kind}_id`]: movement.gatewayMovementId,
    amount: formatAmount(movement.amountMinor!, movement.currency!),
    currency: movement.currency,
    message: `The ${kind} was processed successfully.`,
  }
}

/** The amount of a movement that failed is unknown; its opposite is a cent. */
function opposite(movement: DecidedMovement): DecidedMovement {
  return {
    ...movement,
    verdict: oppositeOf(movement.verdict),
    errorCode: declineCode(movement.kind),
    gatewayMovementId: movement.gatewayMovementId ?? movement.movementId,
    amountMinor: movement.amountMinor ?? 1n,
    currency: movement.currency ?? 'USD',
  }
}

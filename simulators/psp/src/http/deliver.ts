import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { Problem } from '@caudal/http/problem.ts'
import {
  type Answer,
  type BookedPayment,
  GARBAGE,
  unavailableAnswer,
  verdictAnswer,
} from '../domain/answers.ts'
import type { Delivery } from '../domain/plan-outcome.ts'
import type { PendingAnswers } from './pending-answers.ts'
import { writeJson, writeProblem } from './write-answer.ts'

/** What is to be delivered; see the spine for what each member means. */
export interface Deliverable {
  paymentId: string
  payment: BookedPayment | null
  mismatch: boolean
  delivery: Delivery
  delayMs: number
  traceId: string
}

/**
 * Answers, or fails to answer, in the way the behaviour asks for. Books are closed by now: nothing
 * here changes what happened to the money.
 */
export async function deliver(
  pending: PendingAnswers,
  response: ServerResponse,
  what: Deliverable,
): Promise<void> {
  // Not awaiting nothing saves a turn of the event loop for every payment.
  if (what.delayMs > 0) await pending.wait(what.delayMs)
  // A problem document, and no word of the payment: this must never read like a verdict on it.
  if (what.mismatch) {
    return writeProblem(response, new Problem('IDEMPOTENCY_MISMATCH'), what.traceId)
  }
  const { socket } = response.req
  switch (what.delivery) {
    case 'answer':
      assert(what.payment !== null, 'an answer needs a verdict')
      return write(response, verdictAnswer(what.payment))
    case 'error_500':
      return write(response, unavailableAnswer(what.paymentId))
    case 'rate_limit':
      return writeProblem(response, new Problem('RATE_LIMITED'), what.traceId)
    case 'garbage':
      return writeJson(response, 200, GARBAGE)
    case 'hang':
      return pending.hold(socket)
    case 'reset':
      return void socket.resetAndDestroy()
    default:
      return what.delivery satisfies never
  }
}

function write(response: ServerResponse, { status, body }: Answer): void {
  writeJson(response, status, body)
}

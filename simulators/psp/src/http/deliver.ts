import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { Problem } from '@caudal/http/problem.ts'
import { resetConnection } from '@caudal/http/reset-connection.ts'
import type { Delivery } from '../domain/plan-outcome.ts'
import {
  type PspResponse,
  type DecidedPayment,
  falseResponse,
  GARBAGE,
  unavailableResponse,
  verdictResponse,
} from '../domain/responses.ts'
import type { PendingResponses } from './pending-responses.ts'
import { writeJson, writeProblem } from './write-response.ts'

/** A decided payment and how to respond; `ProcessedPayment` describes the members. */
export interface PreparedResponse {
  paymentId: string
  payment: DecidedPayment | null
  mismatch: boolean
  delivery: Delivery
  delayMs: number
  traceId: string
}

/**
 * Responds, or fails to respond, as the behaviour demands. The verdict is already stored: nothing
 * here changes whether money moved.
 */
export async function deliver(
  pending: PendingResponses,
  response: ServerResponse,
  what: PreparedResponse,
): Promise<void> {
  // Skipping the await saves one turn of the event loop per payment.
  if (what.delayMs > 0) await pending.wait(what.delayMs)
  // A problem document without the payment's data: callers must not take it for a verdict.
  if (what.mismatch) {
    return writeProblem(response, new Problem('IDEMPOTENCY_MISMATCH'), what.traceId)
  }
  const { socket } = response.req
  switch (what.delivery) {
    case 'answer':
      assert(what.payment !== null, 'a response of kind answer needs a verdict')
      return write(response, verdictResponse(what.payment))
    case 'error_500':
      return write(response, unavailableResponse(what.paymentId))
    case 'rate_limit':
      return writeProblem(response, new Problem('RATE_LIMITED'), what.traceId)
    case 'garbage':
      return writeJson(response, 200, GARBAGE)
    case 'wrong_amount':
    case 'wrong_currency':
    case 'no_transaction_id':
    case 'repeated_transaction_id':
    case 'duplicate_members':
      assert(what.payment !== null, 'a false answer is about a verdict')
      return write(response, falseResponse(what.payment, what.delivery))
    case 'hang':
      return pending.hold(socket)
    case 'reset':
      return resetConnection(socket)
    default:
      return what.delivery satisfies never
  }
}

function write(response: ServerResponse, { status, body }: PspResponse): void {
  writeJson(response, status, body)
}

import type { ServerResponse } from 'node:http'
import { resetConnection } from '@caudal/http/reset-connection.ts'
import type { FalseAnswer, PlannedReply } from '../plan-outcome.ts'
import type { PendingResponses } from './pending-responses.ts'
import { type WrittenResponse, writeResponse } from './write-response.ts'

/** How to respond. */
export interface PreparedDelivery {
  /** The key was used for another request. */
  mismatch: boolean
  delivery: PlannedReply['delivery']
  delayMs: number
}

/** The words of one bank: each function makes the response about `P`. */
export interface BankLanguage<P> {
  answer(what: P): WrittenResponse
  falseAnswer(what: P, lie: FalseAnswer | 'contradict'): WrittenResponse
  notFound(what: P): WrittenResponse
  unavailable(what: P): WrittenResponse
  rateLimited(what: P): WrittenResponse
  mismatch(what: P): WrittenResponse
  garbage: WrittenResponse
}

/**
 * Responds, or fails to respond, as the behaviour demands. The verdict is already stored: nothing
 * here changes whether money moved.
 */
export async function deliver<P extends PreparedDelivery>(
  pending: PendingResponses,
  response: ServerResponse,
  language: BankLanguage<P>,
  what: P,
): Promise<void> {
  // Skipping the await saves one turn of the event loop per payment.
  if (what.delayMs > 0) await pending.wait(what.delayMs)
  const { socket } = response.req
  const { delivery } = what
  if (what.mismatch) return writeResponse(response, language.mismatch(what))
  switch (delivery) {
    case 'answer':
      return writeResponse(response, language.answer(what))
    case 'not_found':
      return writeResponse(response, language.notFound(what))
    case 'error_500':
      return writeResponse(response, language.unavailable(what))
    case 'rate_limit':
      return writeResponse(response, language.rateLimited(what))
    case 'garbage':
      return writeResponse(response, language.garbage)
    case 'contradict':
    case 'wrong_amount':
    case 'wrong_currency':
    case 'no_transaction_id':
    case 'repeated_transaction_id':
    case 'duplicate_members':
      return writeResponse(response, language.falseAnswer(what, delivery))
    case 'hang':
      return pending.hold(socket)
    case 'reset':
      return resetConnection(socket)
    default:
      return delivery satisfies never
  }
}

import assert from 'node:assert/strict'
import { sendProblem } from '@caudal/http/problem.ts'
import type { FastifyReply } from 'fastify'
import {
  type Answer,
  type BookedPayment,
  GARBAGE,
  unavailableAnswer,
  verdictAnswer,
} from '../domain/answers.ts'
import type { Delivery } from '../domain/plan-outcome.ts'
import type { PendingAnswers } from './pending-answers.ts'

const JSON_TYPE = 'application/json; charset=utf-8'

/** What is to be delivered; see the spine for what each member means. */
export interface Deliverable {
  paymentId: string
  payment: BookedPayment | null
  mismatch: boolean
  delivery: Delivery
  delayMs: number
}

/**
 * Answers, or fails to answer, in the way the behaviour asks for. Books are closed by now: nothing
 * here changes what happened to the money.
 */
export async function deliver(
  pending: PendingAnswers,
  reply: FastifyReply,
  what: Deliverable,
): Promise<FastifyReply> {
  // Not awaiting nothing saves a turn of the event loop for every payment.
  if (what.delayMs > 0) await pending.wait(what.delayMs)
  // A problem document, and no word of the payment: this must never read like a verdict on it.
  if (what.mismatch) return sendProblem(reply, 'IDEMPOTENCY_MISMATCH')
  switch (what.delivery) {
    case 'answer':
      assert(what.payment !== null, 'an answer needs a verdict')
      return send(reply, verdictAnswer(what.payment))
    case 'error_500':
      return send(reply, unavailableAnswer(what.paymentId))
    case 'rate_limit':
      return sendProblem(reply, 'RATE_LIMITED')
    case 'garbage':
      return reply.code(200).header('content-type', JSON_TYPE).send(GARBAGE)
    case 'hang':
      reply.hijack()
      pending.hold(reply.raw.req.socket)
      return reply
    case 'reset':
      reply.hijack()
      reply.raw.req.socket.resetAndDestroy()
      return reply
    default:
      return what.delivery satisfies never
  }
}

function send(reply: FastifyReply, { status, body }: Answer): FastifyReply {
  return reply.code(status).header('content-type', JSON_TYPE).send(body)
}

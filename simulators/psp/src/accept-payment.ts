import type { Batcher } from '@caudal/batching/create-batcher.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { BehaviourStore } from '@caudal/simulator-kit/behaviour-store.ts'
import type { Callbacks } from '@caudal/simulator-kit/callbacks/start-callbacks.ts'
import { readAmount } from '@caudal/simulator-kit/http/movement-routes.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { checkKey } from './check-key.ts'
import type { PspPaymentRequest } from './domain/payment-request.ts'
import type { PreparedPayment } from './domain/payment-responses.ts'
import type { IncomingPayment, ProcessedPayment } from './process-batch.ts'
import { findPayments } from './store/find-payments.ts'

/** Dependencies of `acceptPayment`. */
export interface AcceptPaymentDeps {
  db: Db
  batcher: Batcher<IncomingPayment, ProcessedPayment>
  behaviours: BehaviourStore
  callbacks: Callbacks
  logger: Logger
}

/**
 * Records a payment request whose body is validated.
 *
 * @throws {Problem} if the idempotency key or the amount is invalid; nothing is stored then
 */
export async function acceptPayment(
  deps: AcceptPaymentDeps,
  request: PspPaymentRequest,
  caller: { key: string | string[] | undefined; traceId: string },
): Promise<PreparedPayment> {
  const { db, batcher, behaviours, callbacks, logger } = deps
  const { traceId } = caller
  const paymentId = request.payment_id.toLowerCase()
  if (caller.key !== paymentId) {
    const isKnown = async (key: string) => (await findPayments(db, [key])).has(key)
    await checkKey(caller.key, { id: paymentId, member: 'payment_id', isKnown })
  }
  const { chooser } = behaviours
  const processed = await batcher.submit({
    paymentId,
    request,
    amountMinor: readAmount(request.amount, request.currency),
    behaviour: chooser.choose(request.destination.account_number),
  })
  const { payment, mismatch, delivery } = processed
  logger.debug(
    { payment_id: paymentId, trace_id: traceId, delivery },
    'processed a payment request',
  )
  if (processed.awaitsCallback) await callbacks.firstAttempt(paymentId)
  const delayMs = chooser.latencyMs + processed.delayMs
  return { paymentId, payment, mismatch, delivery, delayMs, traceId }
}

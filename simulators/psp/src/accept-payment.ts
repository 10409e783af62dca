import type { Batcher } from '@caudal/batching/create-batcher.ts'
import { isUuid } from '@caudal/contracts/ids.ts'
import { Problem } from '@caudal/http/problem.ts'
import { AmountError } from '@caudal/money/amount-error.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { BehaviourStore } from './behaviour-store.ts'
import type { PspPaymentRequest } from './domain/payment-request.ts'
import type { PreparedResponse } from './http/deliver.ts'
import type { IncomingPayment, ProcessedPayment } from './process-batch.ts'
import { findPayments } from './store/find-payments.ts'

/** Dependencies of `acceptPayment`. */
export interface AcceptPaymentDeps {
  db: Db
  batcher: Batcher<IncomingPayment, ProcessedPayment>
  behaviours: BehaviourStore
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
): Promise<PreparedResponse> {
  const { db, batcher, behaviours, logger } = deps
  const { traceId } = caller
  const paymentId = request.payment_id.toLowerCase()
  if (caller.key !== paymentId) await checkKey(db, caller.key, paymentId)
  const { chooser } = behaviours
  const processed = await batcher.submit({
    paymentId,
    request,
    amountMinor: readAmount(request),
    behaviour: chooser.choose(request.destination.account_number),
  })
  const { payment, mismatch, delivery } = processed
  logger.debug(
    { payment_id: paymentId, trace_id: traceId, delivery },
    'processed a payment request',
  )
  const delayMs = chooser.latencyMs + processed.delayMs
  return { paymentId, payment, mismatch, delivery, delayMs, traceId }
}

/**
 * Checks that the idempotency key is the payment's id. The key of another stored payment is a
 * mismatch, since it was used for another request; any other key is invalid.
 */
async function checkKey(
  db: Db,
  header: string | string[] | undefined,
  paymentId: string,
): Promise<void> {
  if (header === undefined || header === '') throw new Problem('IDEMPOTENCY_KEY_REQUIRED')
  const key = String(header).toLowerCase()
  if (key === paymentId) return
  if (isUuid(key) && (await findPayments(db, [key])).has(key)) {
    throw new Problem('IDEMPOTENCY_MISMATCH')
  }
  throw new Problem(
    'INVALID_IDEMPOTENCY_KEY',
    'The idempotency key must equal payment_id in the body.',
  )
}

function readAmount({ amount, currency }: PspPaymentRequest): bigint {
  try {
    const amountMinor = parseAmount(amount, currency)
    if (amountMinor > 0n) return amountMinor
  } catch (error) {
    if (!(error instanceof AmountError)) throw error
  }
  throw new Problem('MALFORMED_REQUEST', 'body: amount is not a valid amount of its currency', {
    members: { param: 'amount' },
  })
}

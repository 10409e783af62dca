import type { Batcher } from '@caudal/batching/create-batcher.ts'
import { isUuid } from '@caudal/contracts/ids.ts'
import { Problem } from '@caudal/http/problem.ts'
import { AmountError } from '@caudal/money/amount-error.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { BehaviourBook } from './behaviour-book.ts'
import type { PaymentRequest } from './domain/payment-request.ts'
import type { Deliverable } from './http/deliver.ts'
import type { IncomingPayment, ProcessedPayment } from './process-batch.ts'
import { findPayments } from './store/find-payments.ts'

/** What taking a payment needs. */
export interface TakePaymentDeps {
  db: Db
  batcher: Batcher<IncomingPayment, ProcessedPayment>
  behaviours: BehaviourBook
  logger: Logger
}

/**
 * Takes a request for a payment, its body validated, into the books.
 *
 * @throws {Problem} when its key or its amount makes no sense; nothing is entered then
 */
export async function takePayment(
  deps: TakePaymentDeps,
  request: PaymentRequest,
  caller: { key: string | string[] | undefined; traceId: string },
): Promise<Deliverable> {
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
  logger.debug({ payment_id: paymentId, trace_id: traceId, delivery }, 'a payment was asked for')
  const delayMs = chooser.latencyMs + processed.delayMs
  return { paymentId, payment, mismatch, delivery, delayMs, traceId }
}

/**
 * The key is the payment's id. A key of another payment is told apart from one that is merely
 * wrong: the first has been used for another request.
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
  throw new Problem('INVALID_IDEMPOTENCY_KEY', 'the key must be the payment_id of the body')
}

function readAmount({ amount, currency }: PaymentRequest): bigint {
  try {
    const amountMinor = parseAmount(amount, currency)
    if (amountMinor > 0n) return amountMinor
  } catch (error) {
    if (!(error instanceof AmountError)) throw error
  }
  throw new Problem('MALFORMED_REQUEST', 'body: amount is not an amount of its currency', {
    members: { param: 'amount' },
  })
}

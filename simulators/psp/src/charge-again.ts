import { randomUUID } from 'node:crypto'
import type { PlannedOutcome } from '@caudal/simulator-kit/plan-outcome.ts'
import type { IncomingPayment, ProcessBatchDeps, ProcessedPayment } from './process-batch.ts'
import { reportPayment } from './report-payment.ts'
import { recordRepeatedCharges, type RepeatedCharge } from './store/record-repeated-charges.ts'

/**
 * Charges payments once more whose keys the bank forgot: a request under `forget_keys` that did not
 * make the payment's verdict moves money again. Returns the results with the new charges.
 */
export async function chargeAgain(
  { db, callbacks }: ProcessBatchDeps,
  batch: {
    incoming: readonly IncomingPayment[]
    outcomes: readonly PlannedOutcome[]
    verdicts: ReadonlyMap<string, { gatewayTransactionId: string | null }>
    results: readonly ProcessedPayment[]
  },
): Promise<ProcessedPayment[]> {
  const charges: RepeatedCharge[] = []
  const seen = new Set<string>()
  const results = batch.results.map((result, index): ProcessedPayment => {
    const { paymentId, request, amountMinor } = batch.incoming[index]!
    const outcome = batch.outcomes[index]!
    const madeVerdict = isMaker(result, batch.verdicts.get(paymentId)) && !seen.has(paymentId)
    if (outcome.verdict !== null) seen.add(paymentId)
    if (!outcome.forgetsKey || madeVerdict) return result
    const { currency, destination } = request
    const gatewayTransactionId = randomUUID()
    const charge = { paymentId, gatewayTransactionId, amountMinor, currency }
    charges.push({ ...charge, accountNumber: destination.account_number })
    return { ...result, mismatch: false, payment: { ...charge, verdict: 'approved' } }
  })
  if (charges.length === 0) return results
  const plan = batch.outcomes.find(({ forgetsKey }) => forgetsKey)!
  const effects = callbacks.enabled
    ? charges.flatMap((charge) => reportPayment({ ...charge, verdict: 'approved' }, plan))
    : []
  await recordRepeatedCharges(db, charges, effects)
  if (effects.length > 0) callbacks.wake()
  return results
}

/** Whether the stored verdict of the payment is the one that this batch made. */
function isMaker(
  { payment }: ProcessedPayment,
  verdict: { gatewayTransactionId: string | null } | undefined,
): boolean {
  return verdict !== undefined && payment?.gatewayTransactionId === verdict.gatewayTransactionId
}

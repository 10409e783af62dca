import type { Tx } from '@caudal/postgres/types.ts'
import type { PayoutFacts } from '../domain/operation-facts.ts'
import type { RequestedPayout } from '../messaging/handlers.ts'
import { recordOperations } from '../store/record-operations.ts'
import { newPayout } from './new-requested.ts'
import type { Psps } from './psps.ts'

/**
 * Records payouts as operations at the PSP, which tenant and currency choose, with frozen bytes.
 * Returns the ids of those that are new.
 */
export async function recordPayouts(
  { psps }: { psps: Psps },
  tx: Tx,
  payouts: readonly RequestedPayout[],
): Promise<ReadonlySet<string>> {
  const planned = payouts.map((payout) => {
    const { destination } = payout
    const facts = factsOf(payout)
    const psp = psps.choose(psps.routeOf({ ...facts, service: null }), facts)
    return newPayout(psp, facts, destination)
  })
  const { operationIds } = await recordOperations(tx, planned)
  return operationIds
}

function factsOf({ payoutId, destination, ...common }: RequestedPayout): PayoutFacts {
  return {
    ...common,
    paymentId: null,
    operationId: payoutId,
    requestId: payoutId,
    sequence: 1,
    destinationBank: destination.bankCode,
    gatewayTransactionId: null,
  }
}

import type { Db } from '@caudal/postgres/types.ts'
import { type IncomingPush, planPushes } from './domain/plan-pushes.ts'
import type { SimulatedOutcome } from './domain/push.ts'
import { claimRefusals } from './store/claim-refusals.ts'
import { recordMessages } from './store/record-messages.ts'

/**
 * The core of the simulator: decides a batch of pushes and records the accepted ones in one
 * statement, before any response. Outcomes are in the order of the pushes. Batches run one at a
 * time.
 */
export async function processBatch(
  db: Db,
  incoming: readonly IncomingPush[],
): Promise<SimulatedOutcome[]> {
  const refusable = incoming.filter(({ behaviour }) => behaviour.kind === 'error_500_once')
  const firstTime = await claimRefusals(
    db,
    refusable.map(({ push }) => push),
  )
  const outcomes = planPushes(incoming, firstTime)
  const accepted = incoming.filter((_, index) => outcomes[index] === 'accepted')
  await recordMessages(
    db,
    accepted.map(({ push }) => push),
  )
  return outcomes
}

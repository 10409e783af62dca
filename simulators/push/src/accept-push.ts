import type { Batcher } from '@caudal/batching/create-batcher.ts'
import type { PendingResponses } from '@caudal/simulator-kit/http/pending-responses.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import type { BehaviourStore } from './behaviour-store.ts'
import type { IncomingPush } from './domain/plan-pushes.ts'
import type { Push, SimulatedOutcome } from './domain/push.ts'

/** Processes a push of either protocol. Resolves when the outcome is stored and any delay over. */
export type AcceptPush = (push: Push) => Promise<SimulatedOutcome>

/** Creates the function that both protocols call for each push. */
export function createAcceptPush(deps: {
  batcher: Batcher<IncomingPush, SimulatedOutcome>
  behaviours: BehaviourStore
  delays: Pick<PendingResponses, 'wait'>
  logger: Logger
  metrics: Metrics
}): AcceptPush {
  const { batcher, behaviours, delays, logger, metrics } = deps
  const counter = metrics.counter('push_messages_total', 'Pushes by outcome.', [
    'platform',
    'outcome',
  ])
  return async (push) => {
    const { platform, messageId, paymentId } = push
    const behaviour = behaviours.choose(push.deviceToken)
    const outcome = await batcher.submit({ push, behaviour })
    counter.inc({ platform, outcome })
    logger.debug(
      { payment_id: paymentId, message_id: messageId, platform, outcome },
      'processed a push',
    )
    if (behaviour.kind === 'slow') await delays.wait(behaviour.delayMs)
    return outcome
  }
}

import type { Batcher } from '@caudal/batching/create-batcher.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import type { BehaviourBook } from './behaviour-book.ts'
import type { IncomingPush } from './domain/plan-pushes.ts'
import type { Push, PushOutcome } from './domain/push.ts'
import type { PendingDelays } from './pending-delays.ts'

/** Takes a push of either protocol to its outcome, which is durable and due when this resolves. */
export type AcceptPush = (push: Push) => Promise<PushOutcome>

export function createAcceptPush(deps: {
  batcher: Batcher<IncomingPush, PushOutcome>
  behaviours: BehaviourBook
  delays: PendingDelays
  logger: Logger
  metrics: Metrics
}): AcceptPush {
  const { batcher, behaviours, delays, logger, metrics } = deps
  const counter = metrics.counter('push_messages_total', 'Pushes by what became of them.', [
    'platform',
    'outcome',
  ])
  return async (push) => {
    const { platform, messageId, paymentId } = push
    const behaviour = behaviours.choose(push.deviceToken)
    const outcome = await batcher.submit({ push, behaviour })
    counter.inc({ platform, outcome })
    logger.debug({ payment_id: paymentId, message_id: messageId, platform, outcome }, 'a push came')
    if (behaviour.kind === 'slow') await delays.wait(behaviour.delayMs)
    return outcome
  }
}

import type { Behaviour } from './behaviour.ts'
import type { Push, SimulatedOutcome } from './push.ts'

/** A push and the behaviour chosen for its device. */
export interface IncomingPush {
  push: Push
  behaviour: Behaviour
}

/** Identifies a message to a device, which error_500_once fails once. */
export function refusalKey({ deviceToken, messageId }: Push): string {
  return `${deviceToken} ${messageId}`
}

/**
 * Decides a batch in order of arrival. `refusable` has the `refusalKey` of each message that
 * error_500_once has not failed before; each is failed once.
 */
export function planPushes(
  incoming: readonly IncomingPush[],
  refusable: ReadonlySet<string>,
): SimulatedOutcome[] {
  const left = new Set(refusable)
  return incoming.map(({ push, behaviour }) => {
    const { kind } = behaviour
    switch (kind) {
      case 'ok':
      case 'slow':
        return 'accepted'
      case 'unregistered':
        return 'unregistered'
      case 'error_500_once':
        return left.delete(refusalKey(push)) ? 'failed' : 'accepted'
      default:
        return kind satisfies never
    }
  })
}

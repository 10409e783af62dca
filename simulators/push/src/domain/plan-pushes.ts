import type { Behaviour } from './behaviour.ts'
import type { Push, PushOutcome } from './push.ts'

/** A push with the behaviour that its device meets. */
export interface IncomingPush {
  push: Push
  behaviour: Behaviour
}

/** Names a message to a device: what error_500_once counts. */
export function refusalKey({ deviceToken, messageId }: Push): string {
  return `${deviceToken} ${messageId}`
}

/**
 * Decides a batch in order of arrival. `refusable` names the messages that error_500_once has not
 * refused before; each is refused once.
 */
export function planPushes(
  incoming: readonly IncomingPush[],
  refusable: ReadonlySet<string>,
): PushOutcome[] {
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

import type { Actor } from '@caudal/contracts/actor.ts'
import { isUuid } from '@caudal/contracts/ids.ts'
import type { Identity } from './token-verifier.ts'

/**
 * Who causes what a request does: its caller, a user by `sub` and a client by client id. UUIDs are
 * in lower case, as in events.
 */
export function actorOf({ kind, subject, clientId }: Identity): Actor {
  if (kind === 'service') return { type: 'client', id: clientId ?? subject }
  return { type: 'user', id: isUuid(subject) ? subject.toLowerCase() : subject }
}

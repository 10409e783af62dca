import { createBatcher } from '@caudal/batching/create-batcher.ts'
import { createPauseGate, type PauseGate } from '@caudal/outbound/pause-gate.ts'
import { isRetryable } from '@caudal/retry/is-retryable.ts'
import type { Notification } from '../domain/notification.ts'
import {
  type LookupAnswer,
  lookUpRecipients,
  type RecipientLookup,
} from '../identity/look-up-recipients.ts'
import type { Observer } from './observe.ts'

/** Finds recipients at identity; pauses while it answers no tenant. */
export type Recipients = {
  find(notification: Notification): Promise<LookupAnswer>
  /** How long no lookup is made, in milliseconds; 0 if identity answers. */
  shutForMs(): number
}

type Deps = {
  lookup: RecipientLookup
  concurrency: number
  observer: Observer
}

const LOOKUP_BATCH = 500
/** A notification may be some milliseconds late, so lookups are collected first (ADR 0010). */
const REST_MOST_MS = 50

/** Lookups that come together are one call to identity for each tenant. */
export function createRecipients(deps: Deps): Recipients {
  const identity = createPauseGate()
  const recipients = createBatcher<Notification, LookupAnswer>({
    maxBatch: LOOKUP_BATCH,
    restMostMs: REST_MOST_MS,
    maxQueue: 4 * deps.concurrency + LOOKUP_BATCH,
    turnOf: ({ tenantId }) => tenantId,
    process: (notifications) => lookUp(deps, identity, notifications),
  })
  return {
    find: (notification) => recipients.submit(notification),
    shutForMs: () => identity.shutForMs(),
  }
}

async function lookUp(
  { lookup, observer }: Deps,
  identity: PauseGate,
  notifications: readonly Notification[],
): Promise<LookupAnswer[]> {
  if (identity.shutForMs() > 0) {
    const fault = new Error('identity did not answer the last lookup')
    return notifications.map(() => ({ fault }))
  }
  const answers = await lookUpRecipients(lookup, notifications)
  const faults = answers.flatMap((answer) => ('fault' in answer ? [answer.fault] : []))
  if (faults.length > 0) observer.lookupFailed(faults[0]!, faults.length)
  if (faults.length < answers.length) identity.passed()
  // A refusal concerns one tenant. Calls to identity pause only if no tenant gets an answer.
  else if (faults.every((fault) => isRetryable(fault))) identity.failed()
  return answers
}

import type { ProcessBatch } from '@caudal/batching/process-batch.ts'
import type { Actor } from '@caudal/contracts/actor.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { addToOutbox } from '@caudal/outbox/add-to-outbox.ts'
import { namedUsers, userKeyOf } from './domain/new-users.ts'
import { type NewUser, type User, userCreated } from './domain/user.ts'
import { findUsers } from './store/find-users.ts'
import { insertUsers } from './store/insert-users.ts'

/** A request to create users with their devices. */
export interface UserCreationWork {
  users: readonly NewUser[]
  actor: Actor
  traceparent: string
}

export interface ProcessBatchDeps {
  region: string
  /** Runs after each commit, for example to wake the relay. */
  afterCommit: () => void
}

/**
 * THE SPINE, read this first: a batch of requests creates users and emits `user.created` for each,
 * in three statements. A user that exists, or that an earlier request of the batch names, stays as
 * it is and emits nothing (F2). The outcome is the users of each request as they are now, in the
 * order asked.
 */
export const processBatch: ProcessBatch<ProcessBatchDeps, UserCreationWork, User[]> = async (
  { region, afterCommit },
  tx,
  work,
) => {
  const named = namedUsers(work.map(({ users }) => users))
  const wanted = [...named.values()].map(({ user }) => user)
  const created = await insertUsers(tx, wanted)
  const events = created.map((user) => {
    const { actor, traceparent } = work[named.get(userKeyOf(user))!.request]!
    return { event: userCreated(user, { eventId: newId(), region, actor }), traceparent }
  })
  const [stored] = await Promise.all([findUsers(tx, wanted), addToOutbox(tx, events)])
  const byKey = new Map(stored.map((user) => [userKeyOf(user), user]))
  const outcomes = work.map(({ users }) =>
    users.flatMap((user) => byKey.get(userKeyOf(user)) ?? []),
  )
  return { outcomes, afterCommit }
}

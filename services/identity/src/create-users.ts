import { systemActor } from '@caudal/contracts/actor.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { addToOutbox } from '@caudal/outbox/add-to-outbox.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { type NewUser, type User, userCreated } from './domain/user.ts'
import { findUsers } from './store/find-users.ts'
import { insertUsers } from './store/insert-users.ts'

/**
 * Creates users of one tenant with their devices, and says so in the outbox, in one transaction of
 * three statements. A user that exists stays as it is and is not announced again (F2). Answers all
 * of them as they stand now, in the order asked.
 */
export async function createUsers(
  { db, region }: { db: Db; region: string },
  wanted: readonly NewUser[],
  traceparent: string,
): Promise<User[]> {
  const [first] = wanted
  if (first === undefined) return []
  const ids = wanted.map((user) => user.userId)
  const stored = await transaction(db, async (tx) => {
    const created = await insertUsers(tx, wanted)
    const events = created.map((user) => ({
      event: userCreated(user, { eventId: newId(), region, actor: systemActor('identity') }),
      traceparent,
    }))
    const [users] = await Promise.all([findUsers(tx, first.tenantId, ids), addToOutbox(tx, events)])
    return users
  })
  const byId = new Map(stored.map((user) => [user.userId, user]))
  return ids.flatMap((id) => byId.get(id) ?? [])
}

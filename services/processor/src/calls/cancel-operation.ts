import type { Actor } from '@caudal/contracts/actor.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { type CancelResult, decideCancel, type NamedRequest } from '../domain/decide-cancel.ts'
import { resultEvents } from '../messaging/result-event.ts'
import { addCanceled, lockRequest, tableOf } from '../store/lock-request.ts'
import { saveDecisions } from '../store/save-decisions.ts'
import type { Observer } from './observe.ts'

export type CancelDeps = { db: Db; region: string; observer: Observer; wakeRelay: () => void }

/**
 * Cancels a payment or a refund of which no request was recorded as SENDING. Exactly one of cancel
 * and SENDING wins, by the lock of the operation's row. One that has not arrived here yet is
 * recorded as canceled, and its event is emitted when it arrives. A repeat has the same result.
 */
export async function cancelOperation(
  { db, region, observer, wakeRelay }: CancelDeps,
  request: NamedRequest,
  actor: Actor,
): Promise<CancelResult> {
  const table = tableOf(request)
  const done = await transaction(
    db,
    async (tx) => {
      if (await addCanceled(tx, request)) return null
      const operations = await lockRequest(tx, request)
      // With a second operation, or as a row of another tenant, it is not to be canceled.
      const [first] = operations
      if (!first || operations.length > 1) return 'too_late'
      const { operationId, state, facts, now } = first
      const decided = decideCancel(state)
      if (decided.kind === 'was_canceled') return null
      if (decided.kind === 'refused' || facts === null) return 'too_late'
      const { operation, emission } = decided.decision
      if (emission === null) throw new Error('a cancel emits its event')
      await saveDecisions(tx, table, {
        operations: [{ operationId, state: operation }],
        closed: [],
        events: resultEvents(facts, emission, { region, now, psp: operation.psp, actor }),
      })
      return { facts, emission }
    },
    'cancels',
  )
  if (done === 'too_late') return done
  if (done !== null) {
    wakeRelay()
    observer.emitted(done.facts, done.emission)
  }
  return 'canceled'
}

import type { Db } from '@caudal/postgres/types.ts'
import type { CallbackFact } from '../domain/callback-fact.ts'
import { repeatsApproval } from '../domain/repeats-approval.ts'
import { findApprovedPayments } from '../store/find-approved-payments.ts'
import { type NewCallback, type StoredCallback, storeCallbacks } from '../store/store-callbacks.ts'
import { type FindPsp, speaksFor } from './callback-psp.ts'

/**
 * Stores callbacks. A fact that repeats the answer to its payment is stored as what it is, with no
 * effect, so that nothing has to be locked or written for it a second time.
 */
export async function storeArrived(
  { db, findPsp }: { db: Db; findPsp: FindPsp },
  callbacks: readonly NewCallback[],
): Promise<StoredCallback[]> {
  return storeCallbacks(db, callbacks, await findRepeats({ db, findPsp }, callbacks))
}

/** The facts that repeat an approval, with the payment of each. */
async function findRepeats(
  { db, findPsp }: { db: Db; findPsp: FindPsp },
  callbacks: readonly NewCallback[],
): Promise<ReadonlyMap<CallbackFact, string>> {
  const named = callbacks.flatMap(({ psp, account, facts }) =>
    facts.flatMap((fact) => {
      const { kind, state, ourId } = fact
      return kind === 'pay' && state === 'approved' && ourId !== null
        ? [{ psp, account, fact, ourId }]
        : []
    }),
  )
  if (named.length === 0) return new Map()
  const approved = await findApprovedPayments(
    db,
    named.map(({ ourId }) => ourId),
  )
  return new Map(
    named.flatMap(({ psp, account, fact, ourId }) => {
      const payment = approved.get(ourId)
      if (!payment || !speaksFor(findPsp(psp), account, payment.tenantId)) return []
      return repeatsApproval(psp, fact, payment) ? [[fact, ourId]] : []
    }),
  )
}

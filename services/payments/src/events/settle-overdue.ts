import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { type PeriodicWork, runPeriodically } from '@caudal/retry/run-periodically.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { type ProcessBatchDeps, settlePayments } from '../process-batch.ts'
import { findOverdueFacts } from '../store/find-overdue-facts.ts'

const AT_ONCE = 100
const PAUSE_MS = 60_000
const NIL = '00000000-0000-0000-0000-000000000000'

export interface SettleOverdueDeps extends ProcessBatchDeps {
  db: Db
}

/**
 * Settles payments that an instance of release 0.1.0 ended during a rolling upgrade, although facts
 * waited for the end. Returns how many there were. Instances that do it at once settle each once.
 */
export async function settleOverdue(deps: SettleOverdueDeps): Promise<number> {
  let settled = 0
  // One pass: what a round cannot settle keeps no other payment from it.
  for (let after = NIL; ;) {
    const paymentIds = await findOverdueFacts(deps.db, { after, limit: AT_ONCE })
    if (paymentIds.length === 0) return settled
    const afterCommit = await transaction(deps.db, (tx) => settlePayments(deps, tx, paymentIds))
    afterCommit()
    settled += paymentIds.length
    after = paymentIds.at(-1)!
  }
}

/** Settles what is overdue at once and every minute; `wake` is called if there was something. */
export function settleOverduePeriodically(
  deps: SettleOverdueDeps & { logger: Logger; wake: () => void },
): PeriodicWork {
  return runPeriodically({
    pauseMs: PAUSE_MS,
    work: async () => {
      if ((await settleOverdue(deps)) > 0) deps.wake()
    },
    onFault: (err) => deps.logger.error({ err }, 'could not settle overdue facts of payments'),
  })
}

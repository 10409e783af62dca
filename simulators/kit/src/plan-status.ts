import type { Db } from '@caudal/postgres/types.ts'
import type { BehaviourChooser } from './behaviour-settings.ts'
import { formatBehaviour } from './behaviour.ts'
import type { PreparedDelivery } from './http/deliver.ts'
import { countOperationFaults, logOperations } from './operation-requests.ts'
import { faultCounter } from './plan-batch.ts'
import { countsFaults, planReply } from './plan-outcome.ts'

/** What a status query asks about. */
export interface QuerySubject {
  operationId: string
  paymentId: string | null
  /** Whether the bank knows it. */
  isKnown: boolean
}

const ANSWERS_ANYTHING = new Set(['error_500', 'rate_limit', 'hang', 'reset', 'garbage'])

/**
 * Decides how a status query is answered: by the books, unless `by_operation.query` has a
 * behaviour. Only those queries are logged.
 */
export async function planStatus(
  { db, chooser }: { db: Db; chooser: BehaviourChooser },
  { operationId, paymentId, isKnown }: QuerySubject,
): Promise<PreparedDelivery> {
  const truth = isKnown ? 'answer' : 'not_found'
  const behaviour = chooser.chooseForQuery()
  if (behaviour === null) return { mismatch: false, delivery: truth, delayMs: chooser.latencyMs }
  const faults = countsFaults(behaviour)
    ? await countOperationFaults(db, 'query', [operationId])
    : new Map<string, number>()
  const text = formatBehaviour(behaviour)
  const planned = planReply(behaviour, faults.get(faultCounter(operationId, text)) ?? 0)
  const delivery = isKnown || ANSWERS_ANYTHING.has(planned.delivery) ? planned.delivery : truth
  const logged = { operationId, paymentId, accountNumber: '', behaviour: text, delivery }
  await logOperations(db, [{ operation: 'query', ...logged }])
  return { mismatch: false, delivery, delayMs: chooser.latencyMs + planned.delayMs }
}

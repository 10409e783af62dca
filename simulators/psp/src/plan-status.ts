import type { Db } from '@caudal/postgres/types.ts'
import type { BehaviourChooser } from '@caudal/simulator-kit/behaviour-settings.ts'
import { formatBehaviour } from '@caudal/simulator-kit/behaviour.ts'
import type { PreparedDelivery } from '@caudal/simulator-kit/http/deliver.ts'
import { faultCounter } from '@caudal/simulator-kit/plan-batch.ts'
import { countsFaults, planReply } from '@caudal/simulator-kit/plan-outcome.ts'
import { countOperationFaults } from './store/count-operation-faults.ts'
import { logOperations } from './store/record-movements.ts'

/** What a status query asks about. */
export interface QuerySubject {
  operationId: string
  paymentId: string
  /** Whether the bank has a verdict about it. */
  isKnown: boolean
}

/**
 * Decides how a status query is answered: by the stored verdict, unless `by_operation.query` has a
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
  const isFault = ['error_500', 'rate_limit', 'hang', 'reset', 'garbage'].includes(planned.delivery)
  const delivery = isKnown || isFault ? planned.delivery : truth
  const logged = { operationId, paymentId, accountNumber: '', behaviour: text, delivery }
  await logOperations(db, [{ operation: 'query', ...logged }])
  return { mismatch: false, delivery, delayMs: chooser.latencyMs + planned.delayMs }
}

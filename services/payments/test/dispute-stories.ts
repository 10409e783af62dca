import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type { DisputeClosed, DisputeOpened } from '@caudal/contracts/events/psp-facts.ts'
import { newId } from '@caudal/contracts/ids.ts'
import type { DisputeOutcome } from '@caudal/contracts/reasons.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Payment } from '../src/domain/payment.ts'
import { returnOf } from './fact-stories.ts'

/** Evidence about one dispute of the payment, or of none. */
export function disputeOf(
  payment: Payment | undefined,
  amountMinor: bigint,
  { disputeId = newId(), currency = 'USD' } = {},
) {
  const envelope = (amount: bigint) => {
    const like = returnOf(payment, amount, { returnId: disputeId, currency })
    const { return_id: _, reason_code: __, event_type: ___, ...fields } = like
    const of = { dispute_id: disputeId, reference: `psp-${disputeId}`, reason: '10.4' }
    return { ...fields, ...of, schema_version: schemaVersionOf('dispute.opened') }
  }
  return {
    disputeId,
    opened: (amount = amountMinor): DisputeOpened => ({
      ...envelope(amount),
      event_type: 'dispute.opened',
    }),
    closed: (outcome: DisputeOutcome, amount = amountMinor): DisputeClosed => ({
      ...envelope(amount),
      event_type: 'dispute.closed',
      outcome,
    }),
  }
}

/** The dispute as it is stored. */
export async function findDispute(db: Db, disputeId: string) {
  const { rows } = await db.query<{
    payment_id: string | null
    outcome: DisputeOutcome | null
    version: number
  }>(`SELECT payment_id, outcome, version FROM disputes WHERE dispute_id = $1`, [disputeId])
  return rows[0]
}

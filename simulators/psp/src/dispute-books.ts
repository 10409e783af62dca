import { randomUUID } from 'node:crypto'
import { formatAmount } from '@caudal/money/format-amount.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { DisputeBooks } from '@caudal/simulator-kit/disputes.ts'
import { lockIds } from '@caudal/simulator-kit/lock-ids.ts'
import { findCharges } from './store/find-charges.ts'

/** The books of disputes: they take the locks and bounds of refunds and returns. */
export const disputeBooks: DisputeBooks = {
  gatewayIdOf: (disputeId) => disputeId,
  async lockCharge(tx, paymentId) {
    await lockIds(tx, [paymentId])
    const charge = (await findCharges(tx, [paymentId])).get(paymentId)
    if (charge === undefined) return undefined
    const { gatewayTransactionId: chargeId, amountMinor, backMinor, currency } = charge
    return { chargeId, amountMinor, leftMinor: amountMinor - backMinor, currency }
  },
  async moveBack(tx, { disputeId, paymentId, amountMinor, currency, reason }) {
    await tx.query(sql`
      INSERT INTO movements (kind, movement_id, payment_id, fingerprint, verdict,
        gateway_movement_id, amount_minor, currency, reason)
      VALUES ('dispute', ${disputeId}, ${paymentId}, '', 'approved', ${disputeId},
        ${amountMinor}, ${currency}, ${reason})`)
  },
  bodyOf({ gatewayId, paymentId, amountMinor, currency, reason, state }, { chargeId }) {
    const isOpen = state === 'opened'
    return JSON.stringify({
      event_id: randomUUID(),
      type: isOpen ? 'payment.disputed' : `dispute.${state}`,
      dispute_id: gatewayId,
      payment_id: paymentId,
      gateway_transaction_id: chargeId,
      status: isOpen ? 'disputed' : state,
      amount: formatAmount(amountMinor, currency),
      currency,
      reason_code: reason,
      occurred_at: new Date().toISOString(),
    })
  },
}

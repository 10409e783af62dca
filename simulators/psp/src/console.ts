import { randomUUID } from 'node:crypto'
import type { Batcher } from '@caudal/batching/create-batcher.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { insertCallbacks } from '@caudal/simulator-kit/callbacks/callback-table.ts'
import type { Callbacks } from '@caudal/simulator-kit/callbacks/start-callbacks.ts'
import type { BankConsole } from '@caudal/simulator-kit/http/movement-routes.ts'
import { planOutcome } from '@caudal/simulator-kit/plan-outcome.ts'
import type { MovementRequest } from './domain/movement.ts'
import type { ProcessedMovement } from './process-movements.ts'
import { reportPayment } from './report-payment.ts'
import { captureDeclined } from './store/capture-declined.ts'
import { findCharges } from './store/find-charges.ts'

const PLAIN = planOutcome({ kind: 'approve' }, 0)

/** Creates the console. Its orders take the same locks and bounds as a client's refunds. */
export function createConsole(deps: {
  db: Db
  movements: Batcher<MovementRequest, ProcessedMovement>
  callbacks: Pick<Callbacks, 'enabled' | 'wake'>
}): BankConsole {
  const { db, movements, callbacks } = deps
  return {
    async currencyOf(paymentId) {
      return (await findCharges(db, [paymentId])).get(paymentId)?.currency ?? null
    },
    async sendBack(kind, { paymentId, amountMinor, chargesMinor, reason, beyondCharge }) {
      const movementId = randomUUID()
      const { movement } = await movements.submit({
        kind,
        movementId,
        paymentId,
        accountNumber: null,
        gatewayTransactionId: null,
        amountMinor,
        chargesMinor,
        currency: null,
        reason,
        fingerprint: '',
        fromConsole: true,
        beyondCharge,
      })
      if (movement === null || movement.verdict === 'failed') {
        const isUnknown = movement?.errorCode === 'payment_not_found'
        return isUnknown ? 'payment_not_found' : 'exceeds_charge'
      }
      const money = { amountMinor: movement.amountMinor!, currency: movement.currency! }
      return { movementId, ...money, at: new Date() }
    },
    async captureDeclined(paymentId) {
      const charge = await transaction(db, async (tx) => {
        const captured = await captureDeclined(tx, {
          paymentId,
          gatewayTransactionId: randomUUID(),
        })
        if (captured === undefined || !callbacks.enabled) return captured
        const reports = reportPayment({ ...captured, verdict: 'approved' }, PLAIN)
        await tx.query(insertCallbacks(reports))
        return captured
      })
      callbacks.wake()
      return charge ?? null
    },
  }
}

import { randomUUID } from 'node:crypto'
import type { Batcher } from '@caudal/batching/create-batcher.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { BankConsole } from '@caudal/simulator-kit/http/movement-routes.ts'
import type { MovementRequest } from './domain/movement.ts'
import type { ProcessedMovement } from './process-movements.ts'
import { findCharges } from './store/find-charges.ts'

/** Creates the console. Its orders take the same locks and bounds as a client's refunds. */
export function createConsole(deps: {
  db: Db
  movements: Batcher<MovementRequest, ProcessedMovement>
}): BankConsole {
  const { db, movements } = deps
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
  }
}

import type { Batcher } from '@caudal/batching/create-batcher.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { BehaviourStore } from '@caudal/simulator-kit/behaviour-store.ts'
import type { Callbacks } from '@caudal/simulator-kit/callbacks/start-callbacks.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { checkKey } from './check-key.ts'
import type { PreparedMovement } from './domain/movement-responses.ts'
import type { ClientKind, MovementRequest } from './domain/movement.ts'
import type { ProcessedMovement } from './process-movements.ts'
import { findMovements, movementKey } from './store/find-movements.ts'

/** Dependencies of `acceptMovement`. */
export interface AcceptMovementDeps {
  db: Db
  movements: Batcher<MovementRequest, ProcessedMovement>
  behaviours: BehaviourStore
  callbacks: Callbacks
  logger: Logger
}

/** A client's request for a refund, a void or a payout. */
export type ClientMovement = MovementRequest & { kind: ClientKind }

/**
 * Records a request for a refund, a void or a payout whose body is validated.
 *
 * @throws {Problem} if the idempotency key is invalid; nothing is stored then
 */
export async function acceptMovement(
  { db, movements, behaviours, callbacks, logger }: AcceptMovementDeps,
  request: ClientMovement,
  { key, traceId }: { key: string | string[] | undefined; traceId: string },
): Promise<PreparedMovement> {
  const { kind, movementId, paymentId } = request
  const isKnown = async (used: string) =>
    (await findMovements(db, [used])).has(movementKey({ kind, movementId: used }))
  await checkKey(key, { id: movementId, member: `${kind}_id`, isKnown })
  const processed = await movements.submit(request)
  const { movement, mismatch, delivery } = processed
  logger.debug(
    { payment_id: paymentId, movement_id: movementId, kind, trace_id: traceId, delivery },
    'processed a request to move money',
  )
  if (processed.awaitsCallback) await callbacks.firstAttempt(movementId)
  const delayMs = behaviours.chooser.latencyMs + processed.delayMs
  return { kind, movementId, paymentId, movement, mismatch, delivery, delayMs, traceId }
}

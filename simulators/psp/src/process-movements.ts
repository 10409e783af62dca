import { randomUUID } from 'node:crypto'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { BehaviourChooser } from '@caudal/simulator-kit/behaviour-settings.ts'
import { type ChosenBehaviour, formatBehaviour } from '@caudal/simulator-kit/behaviour.ts'
import type { NewCallback } from '@caudal/simulator-kit/callbacks/callback-table.ts'
import type { Callbacks } from '@caudal/simulator-kit/callbacks/start-callbacks.ts'
import { lockIds } from '@caudal/simulator-kit/lock-ids.ts'
import {
  countOperationFaults,
  type LoggedOperation,
} from '@caudal/simulator-kit/operation-requests.ts'
import { planBatch } from '@caudal/simulator-kit/plan-batch.ts'
import type { Delivery, PlannedOutcome } from '@caudal/simulator-kit/plan-outcome.ts'
import { callbacksOf, isReversible } from './domain/callback-events.ts'
import {
  type Charge,
  type DecidedMovement,
  decideMovement,
  declineCode,
  type MovementRequest,
} from './domain/movement.ts'
import { findCharges } from './store/find-charges.ts'
import { findMovements, type FoundMovement, movementKey } from './store/find-movements.ts'
import { type NewMovement, recordMovements } from './store/record-movements.ts'

/** The result of a request for money that comes back or is paid out. */
export interface ProcessedMovement {
  /** null if it has no verdict. */
  movement: DecidedMovement | null
  /** The key belongs to a different request, whose verdict must not be disclosed. */
  mismatch: boolean
  delivery: Delivery
  delayMs: number
  /** The response waits for the first delivery of its callback. */
  awaitsCallback: boolean
}

export interface ProcessMovementsDeps {
  db: Db
  chooser: BehaviourChooser
  callbacks: Pick<Callbacks, 'enabled'>
}

/** What a batch writes. */
interface Written {
  requests: LoggedOperation[]
  movements: NewMovement[]
  callbacks: NewCallback[]
}

const APPROVE: ChosenBehaviour = { kind: 'approve' }

/**
 * Decides a batch of refunds, voids, returns and payouts under the locks of their payments, and
 * records it in one transaction. Of one payment never more comes back than was charged. A movement
 * that has a verdict keeps it; the behaviour then decides only how the verdict is delivered.
 */
export function processMovements(
  deps: ProcessMovementsDeps,
  incoming: readonly MovementRequest[],
): Promise<ProcessedMovement[]> {
  const { db, chooser } = deps
  const paymentIds = [...new Set(incoming.flatMap(({ paymentId }) => paymentId ?? []))]
  const locked = new Set(incoming.map(({ paymentId, movementId }) => paymentId ?? movementId))
  const movementIds = [...new Set(incoming.map(({ movementId }) => movementId))]
  // A batch that is repeated after a conflict keeps the behaviours that it has drawn.
  let behaviours: ChosenBehaviour[] | undefined
  return transaction(db, async (tx) => {
    // Two requests must not both find the same money left.
    await lockIds(tx, [...locked])
    const charges = await findCharges(tx, paymentIds)
    const known = await findMovements(tx, movementIds)
    const faults = await countOperationFaults(tx, 'movement', movementIds)
    behaviours ??= incoming.map((request) => chosen(chooser, request, charges))
    const chosenOnes = behaviours
    const arrivals = incoming.map(({ movementId }, index) => ({
      operationId: movementId,
      behaviour: chosenOnes[index] ?? APPROVE,
    }))
    const outcomes = planBatch(arrivals, faults)
    const written: Written = { requests: [], movements: [], callbacks: [] }
    const processed = incoming.map((request, index) => {
      const outcome = outcomes[index]!
      if (!request.fromConsole) {
        written.requests.push(logged(request, arrivals[index]!.behaviour, { charges, outcome }))
      }
      return processOne(deps, request, { outcome, charges, known, written })
    })
    await recordMovements(tx, written.requests, written.movements, written.callbacks)
    return processed
  })
}

function chosen(
  chooser: BehaviourChooser,
  request: MovementRequest,
  charges: ReadonlyMap<string, Charge>,
): ChosenBehaviour {
  const { kind, fromConsole } = request
  if (fromConsole || kind === 'return') return APPROVE
  return chooser.choose(accountOf(request, charges), kind)
}

function accountOf(
  { accountNumber, paymentId }: MovementRequest,
  charges: ReadonlyMap<string, Charge>,
): string {
  return accountNumber ?? charges.get(paymentId ?? '')?.accountNumber ?? ''
}

/** Decides one request and adds what it writes; later requests of the batch see its effects. */
function processOne(
  { chooser, callbacks }: ProcessMovementsDeps,
  request: MovementRequest,
  state: {
    outcome: PlannedOutcome
    charges: Map<string, Charge>
    known: Map<string, FoundMovement>
    written: Written
  },
): ProcessedMovement {
  const { outcome, charges, written } = state
  const { delivery, delayMs } = outcome
  const awaitsCallback = outcome.callback.beforeAnswer
  const before = state.known.get(movementKey(request))
  if (before !== undefined && !outcome.forgetsKey) {
    const mismatch = before.fingerprint !== request.fingerprint
    const known = { delivery, delayMs: mismatch ? 0 : delayMs, awaitsCallback: false }
    return { movement: mismatch ? null : before, mismatch, ...known }
  }
  const shape = { mismatch: false, delivery, delayMs, awaitsCallback }
  if (outcome.verdict === null) return { movement: null, ...shape }
  const charge = charges.get(request.paymentId ?? '')
  const movement = decided(request, charge, { outcome, chooser, before })
  state.known.set(movementKey(request), movement)
  written.movements.push(movement)
  if (charge !== undefined) addToCharge(charge, movement)
  if (callbacks.enabled) written.callbacks.push(...reported(request, movement, { charge, outcome }))
  return { movement, ...shape }
}

function decided(
  request: MovementRequest,
  charge: Charge | undefined,
  how: {
    outcome: PlannedOutcome
    chooser: BehaviourChooser
    before: FoundMovement | undefined
  },
): NewMovement {
  const { kind, movementId, paymentId, accountNumber, fingerprint, reason, chargesMinor } = request
  const decision = decideMovement(charge, request, how.chooser)
  const generation = how.before === undefined ? 0 : how.before.generation + 1
  const ids = { kind, movementId, paymentId, accountNumber }
  const common = { ...ids, fingerprint, reason, generation, chargesMinor }
  const nothing = { gatewayMovementId: null, amountMinor: null, currency: null, reversed: false }
  if (decision.verdict === 'failed') {
    return { ...common, ...nothing, verdict: 'failed', errorCode: decision.errorCode }
  }
  if (how.outcome.verdict === 'failed') {
    return { ...common, ...nothing, verdict: 'failed', errorCode: declineCode(kind) }
  }
  const { amountMinor, currency } = decision
  return {
    ...common,
    verdict: 'approved',
    errorCode: null,
    // The bank's own id is the only one of a refund from its console.
    gatewayMovementId: request.fromConsole ? movementId : randomUUID(),
    amountMinor,
    currency,
    reversed: how.outcome.callback.reverses && isReversible(kind),
  }
}

function addToCharge(charge: Charge, movement: NewMovement): void {
  if (movement.verdict === 'failed' || movement.reversed) return
  charge.backMinor += movement.amountMinor! + movement.chargesMinor
  if (movement.kind === 'void') charge.voided = true
}

function reported(
  request: MovementRequest,
  movement: NewMovement,
  { charge, outcome }: { charge: Charge | undefined; outcome: PlannedOutcome },
): NewCallback[] {
  const { kind, movementId, paymentId, gatewayMovementId } = movement
  const own = { ...(!request.fromConsole && { [`${kind}_id`]: movementId }) }
  const bank = { ...(gatewayMovementId !== null && { [`gateway_${kind}_id`]: gatewayMovementId }) }
  const report = {
    kind,
    subjectId: movementId,
    paymentId,
    ids: { ...own, ...bank } as Record<string, string>,
    gatewayTransactionId: charge?.gatewayTransactionId ?? request.gatewayTransactionId,
    verdict: movement.verdict,
    amountMinor: movement.amountMinor ?? request.amountMinor,
    chargesMinor: movement.chargesMinor,
    currency: movement.currency ?? request.currency,
    reasonCode: movement.reason ?? movement.errorCode,
  }
  return callbacksOf(report, outcome.callback)
}

function logged(
  request: MovementRequest,
  behaviour: ChosenBehaviour,
  { charges, outcome }: { charges: ReadonlyMap<string, Charge>; outcome: PlannedOutcome },
): LoggedOperation {
  const { kind, movementId, paymentId } = request
  return {
    operation: kind === 'return' ? 'refund' : kind,
    operationId: movementId,
    paymentId,
    accountNumber: accountOf(request, charges),
    behaviour: formatBehaviour(behaviour),
    delivery: outcome.delivery,
  }
}

import { randomBytes } from 'node:crypto'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { BehaviourChooser } from '@caudal/simulator-kit/behaviour-settings.ts'
import { type ChosenBehaviour, formatBehaviour } from '@caudal/simulator-kit/behaviour.ts'
import { lockIds } from '@caudal/simulator-kit/lock-ids.ts'
import { countOperationFaults, logOperations } from '@caudal/simulator-kit/operation-requests.ts'
import { planBatch } from '@caudal/simulator-kit/plan-batch.ts'
import type { Delivery, PlannedOutcome } from '@caudal/simulator-kit/plan-outcome.ts'
import type { TransferOrder } from './domain/read-transfer.ts'
import type { Transfer } from './domain/transfer.ts'
import { findByIds, findByKeys, type KeyedTransfer } from './store/find-transfers.ts'
import { insertTransfers, type NewTransfer } from './store/insert-transfers.ts'

/** A well-formed order and its idempotency key. */
export interface IncomingOrder {
  key: string
  order: TransferOrder
}

/** What the bank did with an order. */
export interface ProcessedOrder {
  /** null if the bank did not accept it. */
  transfer: Transfer | null
  isNew: boolean
  /** The key belongs to another order, whose transfer must not be disclosed. */
  mismatch: boolean
  delivery: Delivery
  delayMs: number
  /** The response waits until the transfer has ended and its callback was tried. */
  awaitsCallback: boolean
}

/**
 * Accepts a batch of orders in one transaction, before any response. A key that the bank remembers
 * makes no second transfer; the behaviour then decides only how the response is delivered.
 */
export function processBatch(
  { db, chooser }: { db: Db; chooser: BehaviourChooser },
  incoming: readonly IncomingOrder[],
): Promise<ProcessedOrder[]> {
  const keys = [...new Set(incoming.map(({ key }) => key))]
  const refs = [...new Set(incoming.map(({ order }) => order.ref))]
  const originalIds = incoming.flatMap(({ order }) => order.originalId ?? [])
  // A batch that is repeated after a conflict keeps the behaviours that it has drawn.
  let behaviours: ChosenBehaviour[] | undefined
  return transaction(db, async (tx) => {
    // Two requests must not both find a key unknown.
    await lockIds(tx, keys)
    const known = await findByKeys(tx, keys, chooser.keyMs)
    const originals = await findByIds(tx, originalIds)
    const faults = await countOperationFaults(tx, 'movement', refs)
    const accountOf = (order: TransferOrder): string =>
      originals.get(order.originalId ?? '')?.accountNumber ?? order.accountNumber
    behaviours ??= incoming.map(({ order }) => chooser.choose(accountOf(order), order.kind))
    const arrivals = behaviours.map((behaviour, index) => ({
      operationId: incoming[index]!.order.ref,
      behaviour,
    }))
    const outcomes = planBatch(arrivals, faults)
    const made: NewTransfer[] = []
    const processed = incoming.map(({ key, order }, index) => {
      const outcome = outcomes[index]!
      const before = known.get(key)
      if (before !== undefined && !outcome.forgetsKey) return repeated(before, order, outcome)
      if (outcome.verdict === null) return { transfer: null, isNew: false, ...shapeOf(outcome) }
      const behaviour = formatBehaviour(arrivals[index]!.behaviour)
      const settleMs = outcome.callback.beforeAnswer ? 0 : chooser.settleMs
      const transfer = { ...accepted(order, accountOf(order)), key, behaviour, settleMs }
      known.set(key, transfer)
      made.push(transfer)
      return { transfer, isNew: true, ...shapeOf(outcome) }
    })
    if (made.length > 0) await insertTransfers(tx, made)
    await logOperations(
      tx,
      incoming.map(({ order }, index) => ({
        operation: order.kind,
        operationId: order.ref,
        paymentId: paymentOf(order, originals),
        accountNumber: accountOf(order),
        behaviour: formatBehaviour(arrivals[index]!.behaviour),
        delivery: outcomes[index]!.delivery,
      })),
    )
    return processed
  })
}

function repeated(
  before: KeyedTransfer,
  { fingerprint }: TransferOrder,
  outcome: PlannedOutcome,
): ProcessedOrder {
  const mismatch = before.fingerprint !== fingerprint
  const shape = { ...shapeOf(outcome), awaitsCallback: false, mismatch, isNew: false }
  return mismatch ? { ...shape, transfer: null, delayMs: 0 } : { ...shape, transfer: before }
}

function shapeOf({ delivery, delayMs, callback }: PlannedOutcome) {
  return { mismatch: false, delivery, delayMs, awaitsCallback: callback.beforeAnswer }
}

function paymentOf(
  { kind, ref, originalId }: TransferOrder,
  originals: ReadonlyMap<string, Transfer>,
): string | null {
  return kind === 'pay' ? ref : (originals.get(originalId ?? '')?.ref ?? null)
}

function accepted(order: TransferOrder, accountNumber: string) {
  const { ref, kind, amountMinor, currency, originalId, fingerprint } = order
  const own = { transferId: newTransferId(), state: 'received', accountNumber, code: null } as const
  const charges = { chargesMinor: 0n }
  return { ...own, ...charges, ref, kind, amountMinor, currency, originalId, fingerprint }
}

/** `AB` and 24 hexadecimal digits in upper case. */
export function newTransferId(): string {
  return `AB${randomBytes(12).toString('hex').toUpperCase()}`
}

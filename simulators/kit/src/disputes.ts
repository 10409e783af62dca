import { randomUUID } from 'node:crypto'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Tx } from '@caudal/postgres/types.ts'
import { insertCallbacks } from './callbacks/callback-table.ts'
import type { Callbacks } from './callbacks/start-callbacks.ts'
import { type BankDispute, endDispute, insertDispute, lockDispute } from './store/dispute-table.ts'

/** A charge that is disputed, with what is left of it. */
export interface DisputedCharge {
  /** The bank's id of the payment. */
  chargeId: string
  amountMinor: bigint
  leftMinor: bigint
  currency: string
}

/** Where a bank stores disputes, and what sends its callbacks about them. */
interface DisputesDeps {
  db: Db
  callbacks: Pick<Callbacks, 'enabled' | 'wake'>
}

/** What a bank has of its own for disputes. */
export interface DisputeBooks {
  /** The bank's id of a new dispute. */
  gatewayIdOf(disputeId: string): string
  /** Locks a charge until the transaction ends; undefined if the payment has none. */
  lockCharge(tx: Tx, paymentId: string): Promise<DisputedCharge | undefined>
  /** Books the money that a lost dispute brings back. */
  moveBack(tx: Tx, dispute: BankDispute, charge: DisputedCharge): Promise<void>
  /** The body of the callback about the dispute as it stands. */
  bodyOf(dispute: BankDispute, charge: DisputedCharge): string
}

/** Why the bank refuses an order about a dispute. */
export type DisputeRefusal =
  | 'payment_not_found'
  | 'dispute_not_found'
  | 'exceeds_charge'
  | 'has_ended'

/** Disputes of payers. Each step is stored with its callback. */
export interface Disputes {
  /** `amountMinor` null: the whole charge, whatever came back of it. */
  open(order: {
    paymentId: string
    amountMinor: bigint | null
    reason: string
  }): Promise<BankDispute | DisputeRefusal>
  /** The same end again changes nothing. Only `beyondCharge` moves more than is left. */
  close(order: {
    disputeId: string
    outcome: 'won' | 'lost'
    beyondCharge: boolean
  }): Promise<BankDispute | DisputeRefusal>
}

/** Creates the disputes of a bank. */
export function createDisputes({ db, callbacks }: DisputesDeps, books: DisputeBooks): Disputes {
  const report = async (tx: Tx, dispute: BankDispute, charge: DisputedCharge): Promise<void> => {
    if (!callbacks.enabled) return
    const { disputeId: subjectId } = dispute
    const body = books.bodyOf(dispute, charge)
    await tx.query(insertCallbacks([{ subjectId, body, delayMs: 0 }]))
  }
  const woken = async <T>(work: (tx: Tx) => Promise<T>): Promise<T> => {
    const result = await transaction(db, work)
    callbacks.wake()
    return result
  }
  return {
    open: ({ paymentId, amountMinor: wanted, reason }) =>
      woken(async (tx) => {
        const charge = await books.lockCharge(tx, paymentId)
        if (charge === undefined) return 'payment_not_found'
        const { amountMinor: charged, currency } = charge
        const amountMinor = wanted ?? charged
        if (amountMinor > charged) return 'exceeds_charge'
        const disputeId = randomUUID()
        const gatewayId = books.gatewayIdOf(disputeId)
        const of = { paymentId, amountMinor, currency, reason }
        const dispute = await insertDispute(tx, { disputeId, gatewayId, ...of })
        await report(tx, dispute, charge)
        return dispute
      }),
    close: ({ disputeId, outcome: state, beyondCharge }) =>
      woken(async (tx) => {
        const before = await lockDispute(tx, disputeId)
        if (before === undefined) return 'dispute_not_found'
        if (before.state === state) return before
        if (before.state !== 'opened') return 'has_ended'
        const charge = (await books.lockCharge(tx, before.paymentId))!
        const dispute = { ...before, state }
        if (state === 'lost') {
          if (!beyondCharge && dispute.amountMinor > charge.leftMinor) return 'exceeds_charge'
          await books.moveBack(tx, dispute, charge)
        }
        await endDispute(tx, dispute)
        await report(tx, dispute, charge)
        return dispute
      }),
  }
}

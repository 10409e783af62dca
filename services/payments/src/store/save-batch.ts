import { addToOutbox, type OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { CausedCase, EventDecision } from '../domain/decide-events.ts'
import { insertRefunds } from './insert-refunds.ts'
import { type NewCase, openCases } from './open-cases.ts'
import { saveDisputes } from './save-disputes.ts'
import { blockDestinations, saveFoundRefunds, saveReturns } from './save-facts.ts'
import { savePayments } from './save-payments.ts'
import { saveRefunds } from './save-refunds.ts'

/** A case of the batch, with its ids and what its event continues. */
export interface CaseOfBatch extends NewCase, CausedCase {
  caseOpened: OutboxEvent
}

/**
 * Writes what a batch changed: one statement for each kind of rows, and none for a kind without
 * changes. Returns the cases that were opened.
 */
export async function saveBatch(
  tx: Tx,
  decision: EventDecision,
  { emitted, cases }: { emitted: readonly OutboxEvent[]; cases: readonly CaseOfBatch[] },
): Promise<CaseOfBatch[]> {
  const { changed, createdRefunds, refunds, returns, found, disputes, blocked } = decision
  if (createdRefunds.length > 0) await tx.query(insertRefunds(createdRefunds))
  if (refunds.length > 0) await saveRefunds(tx, refunds)
  if (returns.length > 0) await saveReturns(tx, returns)
  if (found.length > 0) await saveFoundRefunds(tx, found)
  if (disputes.length > 0) await saveDisputes(tx, disputes)
  if (blocked.length > 0) await blockDestinations(tx, blocked)
  if (changed.length > 0 || emitted.length > 0) await savePayments(tx, changed, emitted)
  if (cases.length === 0) return []
  const opened = await openCases(tx, cases)
  await addToOutbox(
    tx,
    opened.map((one) => one.caseOpened),
  )
  return opened
}

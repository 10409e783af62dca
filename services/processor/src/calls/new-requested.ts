import type { RefundReason } from '@caudal/contracts/reasons.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { PayoutFacts, RequestedFacts, ReversalFacts } from '../domain/operation-facts.ts'
import { newOperation } from '../domain/psp-operation.ts'
import type { MoneyDestination } from '../domain/psp-order.ts'
import { sourceAccountOf } from '../domain/source-account.ts'
import type { PspAdapter } from '../psp/adapter.ts'
import type { NewRequested } from '../store/record-operations.ts'
import type { PspAtWork } from './psps.ts'

/** A refund or void to be recorded, due at once at the PSP of its payment, with frozen bytes. */
export function newReversal(
  { freeze }: PspAdapter,
  facts: ReversalFacts,
  psp: string | null,
): NewRequested {
  const { kind, paymentId, gatewayTransactionId } = facts
  if (gatewayTransactionId === null) throw new Error(`payment ${paymentId} has no PSP's id`)
  const order = { kind, ...commonOrder(facts), paymentId, gatewayTransactionId }
  return { facts, requestBody: freeze(order), state: { ...newOperation(0), psp } }
}

/** A refund that is recorded as failed and never sent. */
export function refusedReversal(facts: ReversalFacts, reason: RefundReason): NewRequested {
  const over = { status: 'FAILED', step: null, dueAt: null, reason } as const
  return { facts, requestBody: Buffer.alloc(0), state: { ...newOperation(0), ...over } }
}

/** A payout to be recorded, due at once at this PSP, for which its bytes are. */
export function newPayout(
  { name: psp, adapter, accounts }: PspAtWork,
  facts: PayoutFacts,
  destination: MoneyDestination,
): NewRequested {
  const sourceAccountNumber = sourceAccountOf(accounts, facts.tenantId, facts.currency)
  const order = { kind: facts.kind, ...commonOrder(facts), sourceAccountNumber, destination }
  return { facts, requestBody: adapter.freeze(order), state: { ...newOperation(0), psp } }
}

function commonOrder({ operationId, requestedAt, amountMinor, currency }: RequestedFacts) {
  return { operationId, requestedAt, amount: formatAmount(amountMinor, currency), currency }
}

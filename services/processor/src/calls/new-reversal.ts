import type { RefundReason } from '@caudal/contracts/reasons.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { ReversalFacts } from '../domain/operation-facts.ts'
import { newOperation } from '../domain/psp-operation.ts'
import type { PspAdapter } from '../psp/adapter.ts'
import type { NewReversal } from '../store/record-operations.ts'

/** A refund or void to be recorded, due at once at the PSP of its payment, with frozen bytes. */
export function newReversal(
  { freeze }: PspAdapter,
  facts: ReversalFacts,
  psp: string | null,
): NewReversal {
  const { kind, operationId, paymentId, requestedAt, currency, gatewayTransactionId } = facts
  if (gatewayTransactionId === null) throw new Error(`payment ${paymentId} has no PSP's id`)
  const amount = formatAmount(facts.amountMinor, currency)
  const common = { operationId, paymentId, requestedAt, amount, currency, gatewayTransactionId }
  return { facts, requestBody: freeze({ kind, ...common }), state: { ...newOperation(0), psp } }
}

/** A refund that is recorded as failed and never sent. */
export function refusedReversal(facts: ReversalFacts, reason: RefundReason): NewReversal {
  const over = { status: 'FAILED', step: null, dueAt: null, reason } as const
  return { facts, requestBody: Buffer.alloc(0), state: { ...newOperation(0), ...over } }
}

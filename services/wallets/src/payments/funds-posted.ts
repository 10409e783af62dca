import assert from 'node:assert/strict'
import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type { FundsPosted, PostingRequested } from '@caudal/contracts/events/postings.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { OutboxEvent } from '@caudal/outbox/add-to-outbox.ts'
import type { RequestOutcome } from '../ledger/domain/outcome.ts'
import { type Circumstances, traceOf } from '../ledger/ledger-events.ts'

/** The answer to a posting, with the end that was taken; a repeat was answered before. */
export function fundsPosted(
  cause: PostingRequested,
  outcome: RequestOutcome,
  circumstances: Circumstances,
): OutboxEvent[] {
  if (outcome.type !== 'posted') return []
  const { transferId, pspPosting, amountMinor, currency } = outcome.transfer
  assert(pspPosting, 'a posting is booked as one')
  const event: FundsPosted = {
    event_id: newId(),
    event_type: 'funds.posted',
    timestamp: circumstances.timestamp,
    schema_version: schemaVersionOf('funds.posted'),
    actor: cause.actor,
    region: circumstances.region,
    tenant_id: cause.tenant_id,
    account_id: cause.account_id,
    posting_id: cause.posting_id,
    kind: cause.kind,
    source: cause.source,
    ...(cause.payment_id !== undefined && { payment_id: cause.payment_id }),
    ...(cause.user_id !== undefined && { user_id: cause.user_id }),
    psp: cause.psp,
    amount: formatAmount(amountMinor, currency),
    currency,
    end: pspPosting.end,
    wallet_transaction_id: transferId,
  }
  return [{ event, traceparent: traceOf(circumstances) }]
}

import type { Actor } from '@caudal/contracts/actor.ts'
import { schemaVersionOf } from '@caudal/contracts/catalogue.ts'
import type { PostingRequested } from '@caudal/contracts/events/postings.ts'
import { postingIdOf } from '@caudal/contracts/ids.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import type { EventContext } from './event-context.ts'

/** Money that is to be booked between the settlement account of a PSP and another end. */
export interface WantedPosting extends Pick<
  PostingRequested,
  'kind' | 'source' | 'end' | 'otherwise' | 'psp' | 'currency'
> {
  amountMinor: bigint
  /** Of a return: what of the amount the bank kept. */
  chargesMinor?: bigint
  tenantId: string
  /** The partition key: the wallet's account, or the source where no wallet is known. */
  accountId: string
  /** The payment and its user, where they are known. */
  payment: { paymentId: string; userId: string } | null
  actor: Actor
}

/** The request to book it, under an id that is made from its kind and source. */
export function requestPosting(wanted: WantedPosting, context: EventContext) {
  const { kind, source, end, otherwise, psp, currency, payment, chargesMinor = 0n } = wanted
  const event: PostingRequested = {
    event_id: context.mintId(),
    event_type: 'posting.requested',
    timestamp: context.now.toISOString(),
    schema_version: schemaVersionOf('posting.requested'),
    region: context.region,
    actor: wanted.actor,
    tenant_id: wanted.tenantId,
    account_id: wanted.accountId,
    posting_id: postingIdOf(kind, source),
    kind,
    source,
    ...(payment && { payment_id: payment.paymentId, user_id: payment.userId }),
    psp,
    amount: formatAmount(wanted.amountMinor, currency),
    currency,
    end,
    otherwise,
    ...(chargesMinor > 0n && { charges: formatAmount(chargesMinor, currency) }),
  }
  return event
}

import type { PostingEnd, PostingKindOfEvents } from '@caudal/contracts/events/postings.ts'
import type { NamedPayment } from '@caudal/contracts/payment-steps.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { PaymentPosting } from '../posting-steps.ts'

interface Row {
  kind: PostingKindOfEvents
  source_id: string
  account_id: string
  amount_minor: bigint
  currency: string
  other_end: PostingEnd
  booked_at: Date
}

/** What was booked of a payment of the tenant beside its hold, in the order of booking. */
export async function listPaymentPostings(
  db: Db,
  { tenantId, paymentId }: NamedPayment,
): Promise<PaymentPosting[]> {
  const { rows } = await db.query<Row>({
    name: 'list-payment-postings',
    text: `SELECT kind, source_id, account_id, amount_minor, currency, other_end, booked_at
           FROM psp_postings WHERE payment_id = $1 AND tenant_id = $2
           ORDER BY booked_at, transfer_id`,
    values: [paymentId, tenantId],
  })
  return rows.map((row) => ({
    kind: row.kind,
    sourceId: row.source_id,
    accountId: row.account_id,
    amountMinor: row.amount_minor,
    currency: row.currency,
    end: row.other_end,
    bookedAt: row.booked_at,
  }))
}

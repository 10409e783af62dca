import { isUuid } from '@caudal/contracts/ids.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { TransferSummary } from '../history.ts'

interface Row {
  transfer_id: string
  kind: string
  reference_id: string
  reason: string
  client_id: string | null
  account_id: string
  amount_minor: bigint
  currency: string
  payment_id: string | null
  hold_id: string | null
  value_date: string
  booked_at: Date
  corrects_id: string | null
}

/** Where a page of the list ends; a page of a release that named the kind alone has no id. */
export interface TransferPosition {
  kind: string
  transferId: string | null
}

const FIRST: TransferPosition = { kind: '', transferId: null }

/**
 * The transfers of the tenant with a reference, by kind: a client's reference is unique for each
 * kind, and what is booked for a refund or a return has its id. Those of detached months are not in
 * the books any more.
 */
export async function listTransfersByReference(
  db: Db,
  query: {
    tenantId: string
    referenceId: string
    kinds: readonly string[]
    after: TransferPosition | null
    limit: number
  },
): Promise<TransferSummary[]> {
  const { tenantId, kinds, referenceId, limit } = query
  const { kind, transferId } = query.after ?? FIRST
  const sourceId = isUuid(referenceId) ? referenceId : null
  const { rows } = await db.query<Row>({
    name: 'list-transfers-by-reference',
    text: `WITH named AS MATERIALIZED (
             SELECT transfer_id FROM command_references
             WHERE tenant_id = $1 AND kind = ANY($2::text[]) AND reference_id = $3
             UNION ALL
             SELECT transfer_id FROM psp_postings
             WHERE tenant_id = $1 AND kind = ANY($2::text[]) AND source_id = $7
           )
           SELECT t.transfer_id, t.kind, t.reference_id, t.reason, t.client_id, t.account_id,
             t.amount_minor, t.currency, t.payment_id, t.hold_id,
             t.value_date::text AS value_date, t.booked_at, t.corrects_id
           FROM transfers t
           WHERE t.transfer_id = ANY(ARRAY(SELECT transfer_id FROM named)) AND t.tenant_id = $1
             AND (t.kind > $4 OR (t.kind = $4 AND t.transfer_id > $6))
           ORDER BY t.kind, t.transfer_id LIMIT $5`,
    values: [tenantId, kinds, referenceId, kind, limit, transferId, sourceId],
  })
  return rows.map((row) => ({
    transferId: row.transfer_id,
    kind: row.kind,
    referenceId: row.reference_id,
    reason: row.reason,
    clientId: row.client_id,
    accountId: row.account_id,
    amountMinor: row.amount_minor,
    currency: row.currency,
    paymentId: row.payment_id,
    holdId: row.hold_id,
    valueDate: row.value_date,
    bookedAt: row.booked_at,
    correctsId: row.corrects_id,
  }))
}

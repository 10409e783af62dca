import type { PostingSource } from '@caudal/contracts/events/postings.ts'
import { textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { type Command, isPspPosting, type PspPostingKind } from '../domain/command.ts'
import { type LedgerState, pspPostingName } from '../domain/ledger-state.ts'

interface Row {
  tenant_id: string
  posting_id: string
  kind: PspPostingKind
  source_type: PostingSource['type']
  source_id: string
  payment_id: string | null
  psp: string
  amount_minor: bigint
  charges_minor: bigint
  currency: string
  fingerprint: string
}

/**
 * Puts the postings of PSPs that are booked already into the state: one query for the batch, and
 * none without such commands. Sent behind the locks, as used keys are; the primary key rejects what
 * slips through, and the batch starts again.
 */
export async function loadPspPostings(
  tx: Tx,
  state: LedgerState,
  commands: readonly Command[],
): Promise<void> {
  const postings = commands.filter(isPspPosting)
  if (postings.length === 0) return
  const statement = sql`
    SELECT p.tenant_id, p.posting_id, p.kind, p.source_type, p.source_id, p.payment_id, p.psp,
      p.amount_minor, p.charges_minor, p.currency, encode(p.fingerprint, 'hex') AS fingerprint
    FROM unnest(
      ${uuidArray(postings, (it) => it.postingId)}::uuid[],
      ${textArray(postings, (it) => it.tenantId)}::text[]
    ) AS w(posting_id, tenant_id)
    CROSS JOIN LATERAL (
      SELECT * FROM psp_postings b
      WHERE b.posting_id = w.posting_id AND b.tenant_id = w.tenant_id LIMIT 1
    ) AS p`
  const { rows } = await tx.query<Row>(named('load-psp-postings', statement))
  for (const row of rows) {
    state.pspPostings.set(pspPostingName(row.tenant_id, row.posting_id), {
      tenantId: row.tenant_id,
      postingId: row.posting_id,
      kind: row.kind,
      source: { type: row.source_type, id: row.source_id },
      paymentId: row.payment_id,
      psp: row.psp,
      amountMinor: row.amount_minor,
      chargesMinor: row.charges_minor,
      currency: row.currency,
      fingerprint: row.fingerprint,
    })
  }
}

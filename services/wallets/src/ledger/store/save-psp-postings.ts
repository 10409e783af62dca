import { bigintArray, hexArray, textArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { PspPosting } from '../domain/psp-posting.ts'
import type { Transfer } from '../domain/transfer.ts'

type Booked = Transfer & { pspPosting: PspPosting }

/** Records the postings of PSPs that the batch books. Nothing is sent for none. */
export async function savePspPostings(
  tx: Tx,
  transfers: readonly Transfer[],
  now: Date,
): Promise<void> {
  const booked = transfers.filter((it): it is Booked => it.pspPosting !== null)
  if (booked.length === 0) return
  // Sorted, so that no two batches wait for each other's rows (rule 6).
  const statement = sql`
    INSERT INTO psp_postings (booked_at, amount_minor, charges_minor, posting_id, transfer_id,
      account_id, source_id, payment_id, tenant_id, kind, source_type, psp, currency, other_end,
      fingerprint)
    SELECT ${now}::timestamptz, p.* FROM unnest(
      ${bigintArray(booked, (it) => it.amountMinor)}::bigint[],
      ${bigintArray(booked, (it) => it.pspPosting.chargesMinor)}::bigint[],
      ${uuidArray(booked, (it) => it.pspPosting.postingId)}::uuid[],
      ${uuidArray(booked, (it) => it.transferId)}::uuid[],
      ${uuidArray(booked, (it) => it.accountId)}::uuid[],
      ${uuidArray(booked, (it) => it.pspPosting.source.id)}::uuid[],
      ${uuidArray(booked, (it) => it.paymentId)}::uuid[],
      ${textArray(booked, (it) => it.tenantId)}::text[],
      ${textArray(booked, (it) => it.kind)}::text[],
      ${textArray(booked, (it) => it.pspPosting.source.type)}::text[],
      ${textArray(booked, (it) => it.pspPosting.psp)}::text[],
      ${textArray(booked, (it) => it.currency)}::text[],
      ${textArray(booked, (it) => it.pspPosting.end)}::text[],
      ${hexArray(booked, (it) => it.fingerprint)}::bytea[]
    ) AS p(amount_minor, charges_minor, posting_id, transfer_id, account_id, source_id, payment_id,
      tenant_id, kind, source_type, psp, currency, other_end, fingerprint)
    ORDER BY p.posting_id, p.tenant_id`
  await tx.query(named('save-psp-postings', statement))
}

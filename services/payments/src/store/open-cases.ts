import { textArray, timestamptzArray, uuidArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import type { CaseToOpen } from '../domain/case-to-open.ts'

/** A case with the id that it has if it is opened now. */
export interface NewCase extends CaseToOpen {
  caseId: string
  openedAt: Date
}

/**
 * Opens cases and returns those that were opened. One of the same reason and subject that is not
 * resolved yet stays the only one, so a repeated contradiction opens nothing.
 */
export async function openCases<C extends NewCase>(tx: Tx, cases: readonly C[]): Promise<C[]> {
  const amounts = (one: C) => (one.amountMinor === null ? null : String(one.amountMinor))
  const { rows } = await tx.query<{ case_id: string }>(sql`
    INSERT INTO cases (case_id, tenant_id, account_id, reason, subject_type, subject_id, payment_id,
      user_id, amount_minor, currency, detail, opened_at)
    SELECT case_id, tenant_id, account_id, reason, subject_type, subject_id, payment_id,
      user_id, amount::bigint, currency, detail, opened_at
    FROM unnest(
      ${uuidArray(cases, (it) => it.caseId)}::uuid[],
      ${textArray(cases, (it) => it.tenantId)}::text[],
      ${uuidArray(cases, (it) => it.accountId)}::uuid[],
      ${textArray(cases, (it) => it.reason)}::text[],
      ${textArray(cases, (it) => it.subject.type)}::text[],
      ${uuidArray(cases, (it) => it.subject.id)}::uuid[],
      ${uuidArray(cases, (it) => it.payment && it.payment.paymentId)}::uuid[],
      ${uuidArray(cases, (it) => it.payment && it.payment.userId)}::uuid[],
      ${textArray(cases, amounts)}::text[],
      ${textArray(cases, (it) => it.currency)}::text[],
      ${textArray(cases, (it) => it.detail)}::text[],
      ${timestamptzArray(cases, (it) => it.openedAt)}::timestamptz[]
    ) AS c(case_id, tenant_id, account_id, reason, subject_type, subject_id, payment_id, user_id,
      amount, currency, detail, opened_at)
    ORDER BY subject_id, reason, subject_type, tenant_id
    ON CONFLICT DO NOTHING
    RETURNING case_id`)
  const opened = new Set(rows.map((row) => row.case_id))
  return cases.filter(({ caseId }) => opened.has(caseId))
}

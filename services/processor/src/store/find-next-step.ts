import type { NamedPayment } from '@caudal/http/steps-route.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { NextStep } from '@caudal/service/waits-route.ts'

type Step = 'send' | 'await' | 'query'

const NAMES: Readonly<Record<Step, string>> = {
  send: 'psp.send',
  await: 'psp.await_answer',
  query: 'psp.query_status',
}

/** What is due next for a payment of the tenant at the PSP; undefined if it ended or is unknown. */
export async function findNextStep(
  db: Db,
  { tenantId, paymentId }: NamedPayment,
): Promise<NextStep | undefined> {
  const { rows } = await db.query<{ step: Step; due_at: Date }>(sql`
    SELECT step, due_at FROM payments
    WHERE payment_id = ${paymentId} AND tenant_id = ${tenantId} AND step IS NOT NULL`)
  return rows[0] && { step: NAMES[rows[0].step], at: rows[0].due_at.toISOString() }
}

import type { NamedPayment } from '@caudal/contracts/payment-steps.ts'
import type { CircuitMode } from '@caudal/outbound/breaker.ts'
import type { CallKey } from '@caudal/outbound/call-key.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { DueStep } from '@caudal/service/waits-route.ts'
import { stepOf } from './stored-steps.ts'

type Step = 'send' | 'await' | 'query'

type Row = { step: string; due_at: Date; bank: string; psp: string | null; is_due: boolean }

/** The circuits of this instance: another one may not have seen the same failures. */
export interface KnownCircuits {
  modeOf: (key: CallKey, psp: string | null) => CircuitMode
  /** How long a due payment waits for an open circuit. */
  waitMs: number
}

const NAMES: Readonly<Record<Step, string>> = {
  send: 'psp.send',
  await: 'psp.await_answer',
  query: 'psp.query_status',
}

/**
 * What is due next for a payment of the tenant at the PSP; undefined if it ended or is unknown. A
 * due payment whose circuit is not closed waits for it; `at` is then the end of that wait.
 */
export async function findNextStep(
  db: Db,
  { tenantId, paymentId }: NamedPayment,
  { modeOf, waitMs }: KnownCircuits,
): Promise<DueStep | undefined> {
  const { rows } = await db.query<Row>(sql`
    SELECT step, due_at, destination_bank AS bank, psp, due_at <= statement_timestamp() AS is_due
    FROM payments
    WHERE payment_id = ${paymentId} AND tenant_id = ${tenantId} AND step IS NOT NULL`)
  const [row] = rows
  if (!row) return undefined
  const { due_at: dueAt, bank: destination, psp, is_due: isDue } = row
  const step = stepOf(row.step)
  if (step === 'send' && isDue && modeOf({ tenant: tenantId, destination }, psp) !== 'closed') {
    return { step: 'psp.wait_for_circuit', at: new Date(dueAt.getTime() + waitMs).toISOString() }
  }
  return { step: NAMES[step], at: dueAt.toISOString() }
}

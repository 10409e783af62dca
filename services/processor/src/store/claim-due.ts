import type { Db, Tx } from '@caudal/postgres/types.ts'
import {
  PAYMENT_COLUMNS,
  type PaymentRow,
  type StoredPayment,
  storedPayment,
} from './payment-row.ts'

/** How many due payments of each step are wanted. */
export type DueLimits = { send: number; query: number; await: number }

export type DuePayment = StoredPayment & { requestBody: Buffer }

const SOMETHING_DUE = `
  SELECT EXISTS (
    SELECT 1 FROM payments
    WHERE step IN ('send', 'query', 'await') AND due_at <= statement_timestamp()
  ) AS due`

/** Whether the step of any payment is due: the cheap question of an idle instance. */
export async function isSomethingDue(db: Db): Promise<boolean> {
  const { rows } = await db.query<{ due: boolean }>({
    name: 'something-due',
    text: SOMETHING_DUE,
  })
  return rows[0]?.due ?? false
}

// A row that another instance, or the record of an answer, holds now is left to it.
const dueOf = (step: keyof DueLimits, limit: string): string => `
    SELECT ${PAYMENT_COLUMNS}, request_body FROM payments
    WHERE step = '${step}' AND due_at <= statement_timestamp()
    ORDER BY due_at
    LIMIT ${limit}
    FOR UPDATE SKIP LOCKED`

const CLAIM = `
  WITH sends AS (${dueOf('send', '$1')}
  ), queries AS (${dueOf('query', '$2')}
  ), lost AS (${dueOf('await', '$3')}
  )
  SELECT * FROM sends UNION ALL SELECT * FROM queries UNION ALL SELECT * FROM lost`

/** Locks payments whose step is due, the longest overdue first; several instances share them. */
export async function claimDue(tx: Tx, limits: DueLimits): Promise<DuePayment[]> {
  const { rows } = await tx.query<PaymentRow & { request_body: Buffer }>({
    name: 'claim-due',
    text: CLAIM,
    values: [limits.send, limits.query, limits.await],
  })
  return rows.map((row) => ({ ...storedPayment(row), requestBody: row.request_body }))
}

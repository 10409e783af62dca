import type { Db, Tx } from '@caudal/postgres/types.ts'
import {
  PSP_PAYMENT_COLUMNS,
  type PaymentRow,
  type StoredPayment,
  storedPayment,
} from './payment-row.ts'

/** How many due payments of each step to claim. */
export type DueLimits = { send: number; query: number; await: number }

export type DuePayment = StoredPayment & { requestBody: Buffer }

const SOMETHING_DUE = `
  SELECT EXISTS (
    SELECT 1 FROM payments
    WHERE step IN ('send', 'query', 'await') AND due_at <= statement_timestamp()
  ) AS due`

/** Whether the step of any payment is due: a cheap query for an idle instance. */
export async function isSomethingDue(db: Db): Promise<boolean> {
  const { rows } = await db.query<{ due: boolean }>({
    name: 'something-due',
    text: SOMETHING_DUE,
  })
  return rows[0]?.due ?? false
}

// Skips rows that another instance or the recording of an answer has locked.
const lost = (limit: string): string => `
    SELECT ${PSP_PAYMENT_COLUMNS}, request_body FROM payments
    WHERE step = 'await' AND due_at <= statement_timestamp()
    ORDER BY due_at
    LIMIT ${limit}
    FOR UPDATE SKIP LOCKED`

// Tenants take turns: the first due row of each, then the second of each. A skip scan of the
// index finds the tenants. Instances share the rows, so each reads twice as many as it claims. If
// more than that are locked, the rest comes from behind the rows that were read.
const dueInTurns = (step: 'send' | 'query', limit: string): string => `
    WITH RECURSIVE tenants AS (
      (SELECT tenant_id FROM payments WHERE step = '${step}' ORDER BY tenant_id LIMIT 1)
      UNION ALL
      SELECT (SELECT p.tenant_id FROM payments p
        WHERE p.step = '${step}' AND p.tenant_id > t.tenant_id ORDER BY p.tenant_id LIMIT 1)
      FROM tenants t WHERE t.tenant_id IS NOT NULL
    ), turns AS (
      SELECT d.payment_id, d.due_at AS since, t.tenant_id AS of_tenant,
        row_number() OVER (PARTITION BY t.tenant_id ORDER BY d.due_at) AS turn
      FROM tenants t CROSS JOIN LATERAL (
        SELECT payment_id, due_at FROM payments
        WHERE step = '${step}' AND tenant_id = t.tenant_id AND due_at <= statement_timestamp()
        ORDER BY due_at
        LIMIT 2 * ${limit}::int
      ) d
    ), first AS (
      SELECT ${PSP_PAYMENT_COLUMNS}, request_body FROM payments p JOIN turns USING (payment_id)
      WHERE p.step = '${step}' AND p.due_at <= statement_timestamp()
      ORDER BY turns.turn, turns.since
      LIMIT ${limit}
      FOR UPDATE OF p SKIP LOCKED
    ), rest AS (
      SELECT d.* FROM turns t CROSS JOIN LATERAL (
        SELECT ${PSP_PAYMENT_COLUMNS}, request_body FROM payments
        WHERE step = '${step}' AND tenant_id = t.of_tenant AND due_at <= statement_timestamp()
          AND payment_id <> ALL (ARRAY(SELECT payment_id FROM first))
        ORDER BY due_at
        LIMIT ${limit} - (SELECT count(*) FROM first)
        FOR UPDATE SKIP LOCKED
      ) d
      WHERE t.turn = 2 * ${limit}::int
      LIMIT ${limit} - (SELECT count(*) FROM first)
    )
    SELECT * FROM first UNION ALL SELECT * FROM rest`

const CLAIM = `
  WITH sends AS (${dueInTurns('send', '$1')}
  ), queries AS (${dueInTurns('query', '$2')}
  ), lost AS (${lost('$3')}
  )
  SELECT * FROM sends UNION ALL SELECT * FROM queries UNION ALL SELECT * FROM lost`

/**
 * Locks payments whose step is due; several instances share them. Tenants take turns. Within a
 * tenant the longest overdue payment comes first.
 */
export async function claimDue(tx: Tx, limits: DueLimits): Promise<DuePayment[]> {
  const { rows } = await tx.query<PaymentRow & { request_body: Buffer }>({
    name: 'claim-due',
    text: CLAIM,
    values: [limits.send, limits.query, limits.await],
  })
  return rows.map((row) => ({ ...storedPayment(row), requestBody: row.request_body }))
}

import type { NamedPayment, PaymentStep } from '@caudal/contracts/payment-steps.ts'
import type { Db } from '@caudal/postgres/types.ts'

const MOST_STEPS = 500

const STEPS = `
  SELECT at, step, detail FROM (
    SELECT sending_at AS at, 1 AS position, 'psp.sending' AS step,
      format('attempt %s', number) AS detail
    FROM attempts WHERE payment_id = $1
    UNION ALL
    SELECT answered_at, 2, 'psp.answered',
      concat_ws(', ', format('attempt %s: %s', number, lower(status)), 'HTTP ' || http_status,
        latency_ms || ' ms', error_class)
    FROM attempts WHERE payment_id = $1 AND answered_at IS NOT NULL
    UNION ALL
    SELECT in_doubt_at, 3, 'psp.in_doubt', 'the outcome is unknown; the hold stays'
    FROM payments WHERE payment_id = $1 AND in_doubt_at IS NOT NULL
    UNION ALL
    SELECT answered_at, 4, 'psp.status_queried',
      concat_ws(', ', format('query %s: %s', number, answer), 'HTTP ' || http_status,
        latency_ms || ' ms', error_class)
    FROM status_queries WHERE payment_id = $1
    UNION ALL
    SELECT a.sending_at, 1, 'psp.sending', format('%s, attempt %s', o.kind, a.number)
    FROM operations o JOIN operation_attempts a USING (operation_id) WHERE o.payment_id = $1
    UNION ALL
    SELECT a.answered_at, 2, 'psp.answered',
      concat_ws(', ', o.kind, format('attempt %s: %s', a.number, lower(a.status)),
        'HTTP ' || a.http_status, a.latency_ms || ' ms', a.error_class)
    FROM operations o JOIN operation_attempts a USING (operation_id)
    WHERE o.payment_id = $1 AND a.answered_at IS NOT NULL
    UNION ALL
    SELECT in_doubt_at, 3, 'psp.in_doubt', concat(kind, ': the outcome is unknown')
    FROM operations WHERE payment_id = $1 AND in_doubt_at IS NOT NULL
    UNION ALL
    SELECT q.answered_at, 4, 'psp.status_queried',
      concat_ws(', ', o.kind, format('query %s: %s', q.number, q.answer),
        'HTTP ' || q.http_status, q.latency_ms || ' ms', q.error_class)
    FROM operations o JOIN operation_queries q USING (operation_id) WHERE o.payment_id = $1
    UNION ALL
    SELECT applied_at, 5, 'psp.callback',
      concat_ws(', ', format('%s %s', fact->>'kind', fact->>'state'), lower(state), cause)
    FROM callback_facts WHERE payment_id = $1 AND applied_at IS NOT NULL
  ) AS steps
  WHERE EXISTS (SELECT FROM payments WHERE payment_id = $1 AND tenant_id = $2)
  ORDER BY at, position
  LIMIT ${MOST_STEPS}`

/** The first 500 steps of a payment of the tenant and its refunds, oldest first (P11). */
export async function listPspSteps(
  db: Db,
  { tenantId, paymentId }: NamedPayment,
): Promise<PaymentStep[]> {
  const values = [paymentId, tenantId]
  const { rows } = await db.query<{ at: Date; step: string; detail: string }>(STEPS, values)
  return rows.map((row) => ({ ...row, at: row.at.toISOString() }))
}

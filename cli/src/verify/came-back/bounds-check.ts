import type { Check, CheckInput } from '../check.ts'
import { findViolations } from '../find-violations.ts'

// What refunds and returns take of the captured amount, each from the facts of its own row. A
// refund of a late success takes nothing of it.
const SHARES = `
  WITH shares AS (
    SELECT payment_id, currency, tenant_id, 'refund ' || refund_id AS name,
      CASE WHEN credited_at IS NOT NULL AND recaptured_at IS NULL THEN amount_minor ELSE 0 END
        AS refunded,
      CASE WHEN credited_at IS NULL AND (refused_at IS NULL OR approved_at IS NOT NULL)
        THEN amount_minor ELSE 0 END AS pending,
      0::bigint AS returned
    FROM refunds WHERE origin <> 'late_capture'
    UNION ALL
    SELECT payment_id, currency, tenant_id, 'return ' || return_id, 0,
      CASE WHEN status <> 'CREDITED' AND matched_at IS NOT NULL THEN amount_minor ELSE 0 END,
      CASE WHEN status = 'CREDITED' THEN amount_minor ELSE 0 END
    FROM returns WHERE payment_id IS NOT NULL AND matched_at IS NOT NULL
  ), sums AS (
    SELECT payment_id, sum(refunded) AS refunded, sum(pending) AS pending,
      sum(returned) AS returned
    FROM shares GROUP BY payment_id
  )`

const BEYOND_CAPTURED = `${SHARES}
  SELECT format('payment %s (%s): of %s captured, %s refunded, %s pending and %s returned',
    payment_id, p.currency, CASE p.status WHEN 'COMPLETED' THEN p.amount_minor ELSE 0 END,
    s.refunded, s.pending, s.returned) AS violation
  FROM sums s JOIN payments p USING (payment_id)
  WHERE s.refunded + s.pending + s.returned
    > CASE p.status WHEN 'COMPLETED' THEN p.amount_minor ELSE 0 END`

const WRONG_SUMS = `${SHARES}
  SELECT format('payment %s (%s): refunded %s, pending %s, returned %s; its refunds and returns '
    || 'sum to %s, %s, %s', payment_id, p.currency, p.refunded_minor, p.pending_minor,
    p.returned_minor, coalesce(s.refunded, 0), coalesce(s.pending, 0), coalesce(s.returned, 0))
    AS violation
  FROM payments p LEFT JOIN sums s USING (payment_id)
  WHERE (p.refunded_minor, p.pending_minor, p.returned_minor) IS DISTINCT FROM
    (coalesce(s.refunded, 0), coalesce(s.pending, 0), coalesce(s.returned, 0))`

const STRANGERS = `${SHARES}
  SELECT CASE WHEN p.payment_id IS NULL
    THEN format('%s is of payment %s, which does not exist', s.name, payment_id)
    ELSE format('%s of payment %s: it is in %s of tenant %s, the payment in %s of %s', s.name,
      payment_id, s.currency, s.tenant_id, p.currency, p.tenant_id)
  END AS violation
  FROM shares s LEFT JOIN payments p USING (payment_id)
  WHERE (s.currency, s.tenant_id) IS DISTINCT FROM (p.currency, p.tenant_id)`

// The money of a lost dispute is a return under its id, which counts like any other.
const DISPUTES = `
  SELECT format('dispute %s of payment %s is lost, but there is no return of %s %s in minor units',
    d.dispute_id, d.payment_id, d.amount_minor, d.currency) AS violation
  FROM disputes d LEFT JOIN returns r
    ON r.return_id = d.dispute_id AND (r.amount_minor, r.currency) = (d.amount_minor, d.currency)
  WHERE d.outcome = 'lost' AND r.return_id IS NULL
  UNION ALL
  SELECT format('return %s of payment %s is of a dispute that is not lost', r.return_id,
    r.payment_id)
  FROM returns r LEFT JOIN disputes d ON d.dispute_id = r.return_id AND d.outcome = 'lost'
  WHERE r.reason_code = 'dispute_lost' AND d.dispute_id IS NULL`

/**
 * P12: live refunds, returns and lost disputes of a payment never exceed what was captured, and its
 * sums are those of their rows. It reads everything also since a checkpoint, by sums in the
 * database.
 */
export const refundsWithinCaptured: Check = {
  name: 'refunds_within_captured',
  needs: ['payments'],
  run: ({ payments }: CheckInput) =>
    findViolations(
      payments,
      'SELECT (SELECT count(*) FROM refunds) + (SELECT count(*) FROM returns) AS checked',
      BEYOND_CAPTURED,
      WRONG_SUMS,
      STRANGERS,
      DISPUTES,
    ),
}

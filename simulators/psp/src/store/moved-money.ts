import { type Sql, sql } from '@caudal/postgres/sql.ts'
import type { MovedMoney } from '@caudal/simulator-kit/store/list-moved-money.ts'

const OF_KIND: Readonly<Record<Parameters<MovedMoney>[0], Sql>> = {
  refund: sql`m.kind = 'refund' AND m.reversed_at IS NULL`,
  void: sql`m.kind = 'void'`,
  return: sql`m.kind = 'return'`,
  reversal: sql`(m.kind = 'reversal' OR m.kind = 'refund' AND m.reversed_at IS NOT NULL)`,
  dispute: sql`m.kind = 'dispute'`,
  all: sql`m.kind <> 'payout'`,
}

/** The money that was paid out, as the bank's books have it. */
export const paidOut: Sql = sql`
  SELECT sequence, movement_id AS "payoutId", amount_minor AS "amountMinor", currency,
    account_number AS "accountNumber", decided_at AS at
  FROM movements
  WHERE kind = 'payout' AND verdict = 'approved' AND reversed_at IS NULL`

/** The money that came back, as the bank's books have it. */
export const movedMoney: MovedMoney = (kind) => sql`
  SELECT m.sequence, m.payment_id AS "paymentId", m.amount_minor AS "amountMinor", m.currency,
    m.reason, CASE WHEN m.reversed_at IS NULL THEN m.kind ELSE 'reversal' END AS kind,
    CASE WHEN m.reversed_at IS NULL THEN m.movement_id ELSE m.gateway_movement_id END
      AS "movementId",
    CASE WHEN m.reversed_at IS NOT NULL THEN m.movement_id END AS "refundId",
    m.gateway_movement_id AS "gatewayId", p.gateway_transaction_id AS "chargeId",
    coalesce(m.reversed_at, m.decided_at) AS at
  FROM movements AS m LEFT JOIN payments AS p USING (payment_id)
  WHERE m.verdict = 'approved' AND ${OF_KIND[kind]}`

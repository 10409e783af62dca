import { type Sql, sql } from '@caudal/postgres/sql.ts'
import type { MovedMoney } from '@caudal/simulator-kit/store/list-moved-money.ts'

const OF_KIND: Readonly<Record<Parameters<MovedMoney>[0], Sql>> = {
  refund: sql`t.kind = 'refund' AND t.state = 'settled'`,
  void: sql`t.kind = 'void' AND t.state = 'settled'`,
  return: sql`t.kind = 'return' AND t.state = 'settled'`,
  dispute: sql`t.kind = 'dispute'`,
  reversal: sql`t.state = 'reversed' AND t.kind <> 'payout'`,
  all: sql`t.kind <> 'payout'
    AND (t.state = 'reversed' OR t.kind <> 'pay' AND t.state = 'settled')`,
}

/** The money that was paid out, as the bank's books have it. */
export const paidOut: Sql = sql`
  SELECT sequence, ref AS "payoutId", amount_minor AS "amountMinor", currency,
    account_number AS "accountNumber", final_at AS at
  FROM transfers WHERE kind = 'payout' AND state = 'settled'`

/** The money that came back, as the bank's books have it. */
export const movedMoney: MovedMoney = (kind) => sql`
  SELECT t.sequence, t.ref AS "movementId", coalesce(original.ref, t.ref) AS "paymentId",
    CASE WHEN t.state = 'reversed' THEN 'reversal' ELSE t.kind END AS kind,
    t.amount_minor AS "amountMinor", t.currency, t.code AS reason, t.final_at AS at,
    CASE WHEN t.kind = 'refund' AND t.state = 'reversed' THEN t.ref END AS "refundId",
    t.transfer_id AS "gatewayId", coalesce(t.original_id, t.transfer_id) AS "chargeId"
  FROM transfers AS t LEFT JOIN transfers AS original ON original.transfer_id = t.original_id
  WHERE ${OF_KIND[kind]}`

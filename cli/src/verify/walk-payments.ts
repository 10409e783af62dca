import type { Db } from '@caudal/postgres/types.ts'

/** A row of the payments table. */
export type PaymentRow = {
  payment_id: string
  tenant_id: string
  user_id: string
  account_id: string
  external_order_id: string
  amount_minor: bigint
  currency: string
  status: string
}

const PAGE = 5_000

/** Reads all payments page by page, ordered by id. */
export async function* walkPayments(db: Db): AsyncGenerator<PaymentRow[]> {
  let last = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const { rows } = await db.query<PaymentRow>(
      `SELECT payment_id, tenant_id, user_id, account_id, external_order_id, amount_minor,
         currency, status
       FROM payments WHERE payment_id > $1 ORDER BY payment_id LIMIT $2`,
      [last, PAGE],
    )
    if (rows.length === 0) return
    yield rows
    last = rows.at(-1)!.payment_id
  }
}

import { Currency } from '@caudal/contracts/currency-schema.ts'
import { Uuid } from '@caudal/contracts/uuid-schema.ts'
import type { HttpServer } from '@caudal/http/create-server.ts'
import type { Cursors } from '@caudal/http/cursors.ts'
import { pageQuery } from '@caudal/http/page.ts'
import { formatAmount } from '@caudal/money/format-amount.ts'
import { type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { Type } from 'typebox'
import { addSequenceList } from './add-sequence-list.ts'
import { listQuery } from './list-query.ts'

/** Money that a bank paid out and did not take back. */
interface Payout {
  /** Ascends in the order in which the bank decided. */
  sequence: bigint
  payoutId: string
  amountMinor: bigint
  currency: string
  accountNumber: string
  at: Date
}

const Query = Type.Object({
  ...pageQuery.properties,
  limit: listQuery.properties.limit,
  payout_id: Type.Optional(Uuid),
})
const Item = Type.Object({
  payout_id: Uuid,
  amount: Type.String(),
  currency: Currency,
  account_number: Type.String(),
  at: Type.String(),
})

/**
 * Adds `GET /admin/payouts`. `paidOut` is a query of the bank's books, in columns that have the
 * names of `Payout`.
 */
export function addPayoutList(
  app: HttpServer,
  { cursors, db, paidOut }: { cursors: Cursors; db: Db; paidOut: Sql },
): void {
  addSequenceList<Payout>(app, '/admin/payouts', {
    cursors,
    query: Query,
    item: Item,
    async list({ payout_id: payoutId = null }, { after, limit }) {
      const { rows } = await db.query<Payout>(sql`
        SELECT sequence, "payoutId", "amountMinor", currency, "accountNumber", at
        FROM (${paidOut}) AS paid
        WHERE (${payoutId}::uuid IS NULL OR "payoutId" = ${payoutId})
          AND (${after}::bigint IS NULL OR sequence > ${after})
        ORDER BY sequence
        LIMIT ${limit}`)
      return rows
    },
    positionOf: ({ sequence }) => sequence,
    show: ({ payoutId, amountMinor, currency, accountNumber, at }) => ({
      payout_id: payoutId,
      amount: formatAmount(amountMinor, currency),
      currency,
      account_number: accountNumber,
      at: at.toISOString(),
    }),
  })
}

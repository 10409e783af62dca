import { type Sql, sql } from '@caudal/postgres/sql.ts'

/** The columns of a `Transfer`, for a query of `transfers AS t`. */
export const TRANSFER_COLUMNS: Sql = sql`
  t.transfer_id AS "transferId", t.ref, t.kind, t.state, t.amount_minor AS "amountMinor",
  t.charges_minor AS "chargesMinor",
  t.currency, t.account_number AS "accountNumber", t.original_id AS "originalId", t.code`

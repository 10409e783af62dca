import type { Db } from '@caudal/postgres/types.ts'
import type { Balance } from '../domain/account.ts'
import type { StatementEntry } from '../domain/history.ts'
import type { EntryPosition } from '../domain/reading.ts'

interface Row {
  transfer_id: string
  line: number
  account_version: bigint
  balance: Balance
  amount_minor: bigint
  booked_at: Date
  kind: string
  reference_id: string
  reason: string
  payment_id: string | null
  hold_id: string | null
  value_date: string
}

const ENTRY = `e.transfer_id, e.line, e.account_version, e.balance, e.amount_minor, e.booked_at`
const TRANSFER = `t.kind, t.reference_id, t.reason, t.payment_id, t.hold_id,
  t.value_date::text AS value_date`
const SAME = `t.transfer_id = e.transfer_id AND t.booked_at = e.booked_at`
const BEHIND = `e.account_id = $1 AND e.account_version >= $2::bigint
  AND (e.account_version, e.line) > ($2::bigint, $3::smallint) AND e.account_version <= $4::bigint`

/** What part of an account's history is listed: behind a position, up to a version. */
export interface Stretch {
  accountId: string
  after: EntryPosition
  toVersion: number
  limit: number
}

// The page is cut before the transfers are looked up.
const BOOKED = `
  WITH page AS MATERIALIZED (
    SELECT ${ENTRY} FROM entries e WHERE ${BEHIND}
    ORDER BY account_version, line LIMIT $5
  )
  SELECT e.*, ${TRANSFER} FROM page e JOIN transfers t ON ${SAME}
  ORDER BY e.account_version, e.line`

/** Entries in the order of their booking. */
export async function listBooked(db: Db, stretch: Stretch): Promise<StatementEntry[]> {
  const { rows } = await db.query<Row>({
    name: 'list-booked',
    text: BOOKED,
    values: valuesOf(stretch),
  })
  return rows.map(entryOf)
}

// LIMIT makes the look-up of each transfer one walk down its index; joined as sets, both tables
// would be read for a page.
const OF_THEIR_DAY = `
  SELECT ${ENTRY}, t.* FROM entries e
  CROSS JOIN LATERAL (
    SELECT ${TRANSFER} FROM transfers t
    WHERE ${SAME} AND t.value_date = (t.booked_at AT TIME ZONE 'UTC')::date
    LIMIT 1
  ) t
  WHERE ${BEHIND}
  ORDER BY e.account_version, e.line LIMIT $5`

/** Entries whose value date is the day of their booking, in that order. */
export async function listOfTheirDay(db: Db, stretch: Stretch): Promise<StatementEntry[]> {
  const { rows } = await db.query<Row>({
    name: 'list-of-their-day',
    text: OF_THEIR_DAY,
    values: valuesOf(stretch),
  })
  return rows.map(entryOf)
}

// LIMIT keeps the account out of the search for entries: its index would be read from end to end.
const OF_ANOTHER_DAY = `
  SELECT e.*, ${TRANSFER} FROM transfers t
  CROSS JOIN LATERAL (
    SELECT e.account_id, ${ENTRY} FROM entries e WHERE ${SAME} LIMIT 1000
  ) e
  WHERE t.tenant_id = $1 AND t.value_date <> (t.booked_at AT TIME ZONE 'UTC')::date
    AND e.account_id = $2 AND t.value_date >= $3::date AND t.value_date <= $4::date
    AND (t.value_date, e.account_version, e.line) > ($3::date, $5::bigint, $6::smallint)
  ORDER BY t.value_date, e.account_version, e.line LIMIT $7`

/** Entries with another value date than the day of their booking, by value date, then version. */
export async function listOfAnotherDay(
  db: Db,
  query: {
    tenantId: string
    accountId: string
    after: EntryPosition & { valueDate: string }
    toDay: string
    limit: number
  },
): Promise<StatementEntry[]> {
  const { tenantId, accountId, after, toDay, limit } = query
  const { valueDate, version, line } = after
  const { rows } = await db.query<Row>({
    name: 'list-of-another-day',
    text: OF_ANOTHER_DAY,
    values: [tenantId, accountId, valueDate, toDay, version, line, limit],
  })
  return rows.map(entryOf)
}

function valuesOf({ accountId, after, toVersion, limit }: Stretch): unknown[] {
  return [accountId, after.version, after.line, toVersion, limit]
}

function entryOf(row: Row): StatementEntry {
  return {
    transferId: row.transfer_id,
    line: row.line,
    version: Number(row.account_version),
    kind: row.kind,
    referenceId: row.reference_id,
    reason: row.reason,
    paymentId: row.payment_id,
    holdId: row.hold_id,
    balance: row.balance,
    amountMinor: row.amount_minor,
    valueDate: row.value_date,
    bookedAt: row.booked_at,
  }
}

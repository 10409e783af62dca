import type { Reader } from '@caudal/postgres/types.ts'
import type { Balance } from '../../ledger/domain/account.ts'
import type { EntryPosition } from '../../ledger/domain/transfer.ts'
import type { StatementEntry } from '../history.ts'

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
const pageOf = (entries: string, order: string): string => `
  WITH page AS MATERIALIZED (${entries})
  SELECT e.*, ${TRANSFER} FROM page e JOIN transfers t ON ${SAME} ORDER BY ${order}`

const BOOKED = pageOf(
  `SELECT ${ENTRY} FROM entries e WHERE ${BEHIND} ORDER BY account_version, line LIMIT $5`,
  'e.account_version, e.line',
)

/** Entries in the order of their booking. */
export async function listBooked(db: Reader, stretch: Stretch): Promise<StatementEntry[]> {
  const { rows } = await db.query<Row>({
    name: 'list-booked',
    text: BOOKED,
    values: valuesOf(stretch),
  })
  return rows.map(entryOf)
}

const OF_THEIR_DAY = pageOf(
  `SELECT ${ENTRY} FROM entries e WHERE ${BEHIND} AND e.value_date IS NULL
   ORDER BY account_version, line LIMIT $5`,
  'e.account_version, e.line',
)

/** Entries whose value date is the day of their booking, in that order. */
export async function listOfTheirDay(db: Reader, stretch: Stretch): Promise<StatementEntry[]> {
  const { rows } = await db.query<Row>({
    name: 'list-of-their-day',
    text: OF_THEIR_DAY,
    values: valuesOf(stretch),
  })
  return rows.map(entryOf)
}

const OF_ANOTHER_DAY = pageOf(
  `SELECT ${ENTRY} FROM entries e
   WHERE e.account_id = $1 AND e.value_date >= $2::date AND e.value_date <= $3::date
     AND (e.value_date, e.account_version, e.line) > ($2::date, $4::bigint, $5::smallint)
     AND e.account_version <= $6::bigint
   ORDER BY e.value_date, e.account_version, e.line LIMIT $7`,
  't.value_date, e.account_version, e.line',
)

/** Entries with another value date than the day of their booking, by value date, then version. */
export async function listOfAnotherDay(
  db: Reader,
  query: {
    accountId: string
    after: EntryPosition & { valueDate: string }
    toDay: string
    toVersion: number
    limit: number
  },
): Promise<StatementEntry[]> {
  const { accountId, after, toDay, toVersion, limit } = query
  const { valueDate, version, line } = after
  const { rows } = await db.query<Row>({
    name: 'list-of-another-day',
    text: OF_ANOTHER_DAY,
    values: [accountId, valueDate, toDay, version, line, toVersion, limit],
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

import { formatAmount } from '@caudal/money/format-amount.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Check, CheckInput } from '../check.ts'
import { type AddDifference, collectFindings, type Finding } from '../findings.ts'
import { FIRST_ID } from '../sorted-reader.ts'
import { hasCase, NOT_BOOKED } from './has-case.ts'
import { movedBySource } from './moved-by-source.ts'
import { bookedFor } from './refund-check.ts'
import { bankOf, type Moved, type CheckedReturn } from './rows.ts'
import { type PaymentBooks, walkPaymentBooks } from './walk-payment-books.ts'

type Unmatched = { return_id: string; updated_at: Date }

const PAGE = 1_000

/**
 * P12: money that came back unasked, by a lost dispute too, is one return, credited once: to the
 * wallet if it is CREDITED, elsewhere with a case if it is SUSPENDED.
 */
export const returnsCreditedOnce: Check = {
  name: 'returns_credited_once',
  needs: ['payments', 'wallets', 'processor', 'psp'],
  async run(input: CheckInput): Promise<Finding> {
    const { add, finding } = collectFindings(input.recentFrom)
    let checked = 0
    for await (const books of walkPaymentBooks(input)) {
      const { returns } = movedBySource(books)
      checked += books.returns.length
      for (const row of books.returns) {
        compareWithBank(books, row, returns.get(row.return_id) ?? [], add)
        if (!row.is_named_later) compareWithLedger(books, row, add)
      }
      const own = new Set(books.returns.map((row) => row.return_id))
      const unknown = [...returns].filter(([id]) => !own.has(id))
      await findUnknown(input.payments, books, unknown, add)
      findUnclaimed(books, own, add)
    }
    checked += await checkUnmatched(input, add)
    return finding(checked)
  },
}

function compareWithBank(
  books: PaymentBooks,
  row: CheckedReturn,
  moved: readonly Moved[],
  add: AddDifference,
): void {
  if (!books.banks.has(bankOf(row.psp))) return
  const name = nameOf(books, row)
  const [first] = moved
  if (moved.length > 1) add(`${name} came back ${moved.length} times at the PSP`)
  if (first === undefined) {
    add(`${name} is ${row.status}, but nothing came back at the PSP`, row.updated_at)
    return
  }
  const { currency } = row
  const amount = formatAmount(row.amount_minor - row.charges_minor, currency)
  if (first.amount !== amount || first.currency !== currency) {
    const found = `${first.amount} ${first.currency}`
    add(`${name}: expected ${amount} ${currency} at the PSP, found ${found}`)
  }
}

function compareWithLedger(books: PaymentBooks, row: CheckedReturn, add: AddDifference): void {
  const { return_id: id, status, updated_at: at } = row
  const name = nameOf(books, row)
  const booked = bookedFor(books, 'return', id, 'return')
  const [first] = booked
  if (booked.length > 1) add(`${name} was credited ${booked.length} times in the ledger`)
  const isFinal = status === 'CREDITED' || status === 'SUSPENDED'
  if (isFinal && !first) add(`${name} is ${status}, but was not booked in the ledger`, at)
  // Only a wallet is credited with what the bank kept.
  const chargesMinor = first?.other_end === 'wallet' ? row.charges_minor : 0n
  const wantedMinor = row.amount_minor - row.charges_minor + chargesMinor
  const isAsWanted =
    first?.amount_minor === wantedMinor &&
    first.charges_minor === chargesMinor &&
    first.currency === row.currency
  if (first && !isAsWanted) {
    const wanted = `${formatAmount(wantedMinor, row.currency)} ${row.currency}`
    const found = `${formatAmount(first.amount_minor, first.currency)} ${first.currency}`
    add(`${name}: expected ${wanted} in the ledger, found ${found}`)
  }
  if (isFinal && first && (first.other_end === 'wallet') !== (status === 'CREDITED')) {
    add(`${name} is ${status}, but the ledger booked it to ${first.other_end}`)
  }
  const { suspended_for: reason } = row
  if (status === 'SUSPENDED' && (reason === null || !hasCase(books, id, reason))) {
    add(`${name} is SUSPENDED, but has no case`, at)
  }
}

/** Money that came back at a PSP and is no return of the payment: maybe one without a payment. */
async function findUnknown(
  payments: Db,
  books: PaymentBooks,
  unknown: readonly [string, Moved[]][],
  add: AddDifference,
): Promise<void> {
  if (unknown.length === 0 || hasCase(books, books.paymentId, ...NOT_BOOKED)) return
  const { rows } = await payments.query<{ return_id: string }>(
    'SELECT return_id FROM returns WHERE return_id = ANY($1::uuid[])',
    [unknown.map(([id]) => id)],
  )
  const known = new Set(rows.map((row) => row.return_id))
  for (const [id, [first]] of unknown) {
    // The first end of a dispute stands, and a case is about another one.
    if (known.has(id) || hasCase(books, id, ...NOT_BOOKED, 'dispute_outcome_changed')) continue
    const money = `${first!.amount} ${first!.currency} of payment ${books.paymentId}`
    add(`${money} came back at the PSP, for which there is no return`, first!.at)
  }
}

function findUnclaimed(books: PaymentBooks, own: ReadonlySet<string>, add: AddDifference): void {
  for (const { source_type: type, source_id: id, booked_at: at } of books.postings) {
    if (type !== 'return' || own.has(id)) continue
    const name = `return ${id} of payment ${books.paymentId}`
    add(`the ledger booked ${name}, which does not exist`, at)
  }
}

/**
 * Checks returns that began without a payment: they are in suspense with a case. The first event of
 * such a return has the return itself as key, and the ledger booked it without a payment.
 */
export async function checkUnmatched(
  { payments, wallets }: CheckInput,
  add: AddDifference,
): Promise<number> {
  let checked = 0
  for (let last = FIRST_ID; ;) {
    const { rows } = await payments.query<Unmatched & { has_case: boolean }>(
      `SELECT return_id, updated_at,
         EXISTS (SELECT FROM cases c WHERE c.subject_id = r.return_id
           AND c.reason = r.suspended_for) AS has_case
       FROM returns r WHERE account_id = return_id AND return_id > $1 ORDER BY return_id LIMIT $2`,
      [last, PAGE],
    )
    if (rows.length === 0) return checked
    checked += rows.length
    last = rows.at(-1)!.return_id
    const booked = await countBooked(wallets, rows)
    for (const { return_id: id, updated_at: at, has_case: hasCase } of rows) {
      const times = booked.get(id) ?? 0
      const name = `return ${id}, first reported without a payment,`
      if (times !== 1) add(`${name} was booked ${times} times`, at)
      if (!hasCase) add(`${name} has no case`, at)
    }
  }
}

async function countBooked(wallets: Db, rows: readonly Unmatched[]): Promise<Map<string, number>> {
  const { rows: counts } = await wallets.query<{ source_id: string; booked: number }>(
    `SELECT source_id, count(*)::int AS booked FROM psp_postings
     WHERE source_id = ANY($1::uuid[]) AND kind = 'return' AND other_end = 'suspense'
     GROUP BY source_id`,
    [rows.map((row) => row.return_id)],
  )
  return new Map(counts.map(({ source_id: id, booked }) => [id, booked]))
}

function nameOf({ paymentId }: PaymentBooks, { return_id: id }: CheckedReturn): string {
  return `return ${id} of payment ${paymentId}`
}

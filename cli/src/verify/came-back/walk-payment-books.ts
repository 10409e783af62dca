import type { Db } from '@caudal/postgres/types.ts'
import type { CheckInput } from '../check.ts'
import { returnedMoneyPages } from '../read-simulators.ts'
import {
  FIRST_ID,
  groupByPayment,
  LAST_ID,
  type OfPayment,
  readSorted,
  type SortedReader,
  wholePayments,
} from '../sorted-reader.ts'
import type {
  Bank,
  CheckedCase,
  CheckedFoundRefund,
  Moved,
  CheckedOperation,
  CheckedPayment,
  CheckedPosting,
  CheckedRefund,
  CheckedReturn,
} from './rows.ts'

/** Everything that came back of one payment, from all books. */
export type PaymentBooks = {
  paymentId: string
  /** Undefined if there is no such payment. */
  payment: CheckedPayment | undefined
  refunds: readonly CheckedRefund[]
  found: readonly CheckedFoundRefund[]
  returns: readonly CheckedReturn[]
  postings: readonly CheckedPosting[]
  operations: readonly CheckedOperation[]
  cases: readonly CheckedCase[]
  moved: readonly Moved[]
  /** The banks whose books are known. */
  banks: ReadonlySet<Bank>
}

const PAGE = 1_000

const REFUNDS = `
  SELECT payment_id, refund_id AS key, refund_id, amount_minor, currency, status, psp, origin,
    credited_to, recaptured_from, updated_at
  FROM refunds`
const FOUND = `
  SELECT payment_id, refund_id AS key, refund_id, status, suspended_for, updated_at
  FROM found_refunds`
const RETURNS = `
  SELECT payment_id, return_id AS key, return_id, psp, amount_minor, charges_minor, currency,
    status, suspended_for, updated_at, account_id = return_id AS is_named_later
  FROM returns WHERE payment_id IS NOT NULL`
const POSTINGS = `
  SELECT payment_id, posting_id AS key, posting_id, kind, source_type, source_id, amount_minor,
    charges_minor, currency, other_end, booked_at
  FROM psp_postings WHERE payment_id IS NOT NULL`
const OPERATIONS = `
  SELECT payment_id, operation_id AS key, operation_id, request_id, kind, status, psp,
    coalesce(finished_at, in_doubt_at, created_at) AS changed_at
  FROM operations WHERE payment_id IS NOT NULL`

/**
 * Walks all payments of which money came back, or should have, in the order of their ids: a merge
 * of sorted pages, so memory does not grow with their number. Also since a checkpoint they are all
 * walked: money comes back of payments that were final long before, and few payments have any.
 */
export async function* walkPaymentBooks(input: CheckInput): AsyncGenerator<PaymentBooks> {
  const { payments, wallets, processor, pspUrl, asyncbankUrl } = input
  const banks = new Set<Bank>(asyncbankUrl === '' ? ['psp'] : ['psp', 'asyncbank'])
  const refunds = rowsOf<CheckedRefund>(payments, REFUNDS)
  const found = rowsOf<CheckedFoundRefund>(payments, FOUND)
  const returns = rowsOf<CheckedReturn>(payments, RETURNS)
  const postings = rowsOf<CheckedPosting>(wallets, POSTINGS)
  const operations = rowsOf<CheckedOperation>(processor, OPERATIONS)
  const atPsp = read(returnedMoneyPages('psp', pspUrl))
  const atAsyncbank = read<Moved>(
    banks.has('asyncbank') ? returnedMoneyPages('asyncbank', asyncbankUrl) : none(),
  )
  const readers = [refunds, found, returns, postings, operations, atPsp, atAsyncbank]
  for (let to = ''; to !== LAST_ID;) {
    const known = await Promise.all(readers.map((reader) => reader.knownTo()))
    to = known.reduce((lowest, id) => (id < lowest ? id : lowest))
    const page = {
      refunds: groupByPayment(refunds.take(to)),
      found: groupByPayment(found.take(to)),
      returns: groupByPayment(returns.take(to)),
      postings: groupByPayment(postings.take(to)),
      operations: groupByPayment(operations.take(to)),
      moved: groupByPayment([...atPsp.take(to), ...atAsyncbank.take(to)]),
    }
    const ids = [...new Set(Object.values(page).flatMap((groups) => [...groups.keys()]))]
    const facts = await factsOf(payments, ids)
    const cases = groupByPayment(await casesOf(payments, ids))
    for (const paymentId of ids) {
      yield {
        paymentId,
        payment: facts.get(paymentId),
        refunds: page.refunds.get(paymentId) ?? [],
        found: page.found.get(paymentId) ?? [],
        returns: page.returns.get(paymentId) ?? [],
        postings: page.postings.get(paymentId) ?? [],
        operations: page.operations.get(paymentId) ?? [],
        moved: page.moved.get(paymentId) ?? [],
        cases: cases.get(paymentId) ?? [],
        banks,
      }
    }
  }
}

function rowsOf<T extends OfPayment>(db: Db, statement: string): SortedReader<T> {
  return read(rowPages<T>(db, statement))
}

function read<T extends OfPayment>(pages: AsyncIterable<T[]>): SortedReader<T> {
  return readSorted(wholePayments(pages))
}

async function* none<T>(): AsyncGenerator<T[]> {}

async function* rowPages<T extends OfPayment>(
  db: Db,
  statement: string,
): AsyncGenerator<(T & { key: string })[]> {
  const page = `SELECT * FROM (${statement}) AS rows WHERE (payment_id, key) > ($1::uuid, $2::uuid)
    ORDER BY payment_id, key LIMIT $3`
  let [id, key] = [FIRST_ID, FIRST_ID]
  for (;;) {
    const { rows } = await db.query<T & { key: string }>(page, [id, key, PAGE])
    if (rows.length === 0) return
    ;({ payment_id: id, key } = rows.at(-1)!)
    yield rows
  }
}

async function factsOf(payments: Db, ids: readonly string[]): Promise<Map<string, CheckedPayment>> {
  const { rows } = await payments.query<CheckedPayment>(
    'SELECT payment_id, psp, status FROM payments WHERE payment_id = ANY($1::uuid[])',
    [ids],
  )
  return new Map(rows.map((row) => [row.payment_id, row]))
}

async function casesOf(payments: Db, ids: readonly string[]): Promise<CheckedCase[]> {
  const { rows } = await payments.query<CheckedCase>(
    'SELECT payment_id, subject_id, reason FROM cases WHERE payment_id = ANY($1::uuid[])',
    [ids],
  )
  return rows
}

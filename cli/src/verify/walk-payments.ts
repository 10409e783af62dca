import type { Db } from '@caudal/postgres/types.ts'
import type { Bank } from './came-back/rows.ts'
import type { CheckInput, CheckSource } from './check.ts'
import { type Charge, chargePages, type MessageCount, messagePages } from './read-simulators.ts'
import {
  FIRST_ID,
  groupByPayment,
  LAST_ID,
  readSorted,
  type SortedReader,
  wholePayments,
} from './sorted-reader.ts'

/** A row of the payments table. */
export type WalkedPayment = {
  payment_id: string
  account_id: string
  external_order_id: string
  amount_minor: bigint
  currency: string
  status: string
  reason: string | null
  /** The PSP that was paid; null is the default one, or none. */
  psp: string | null
  /** Where a success after the failure stands; null without one. */
  late_capture: string | null
  updated_at: Date
}

/** The hold of a payment. */
export type HoldRow = {
  payment_id: string
  account_id: string
  amount_minor: bigint
  currency: string
  status: string
  changed_at: Date
}

/** An order that is paid, by the payment that it names. */
export type WalkedOrder = { payment_id: string; external_order_id: string; paid_at: Date }

/** The notification of a payment. */
export type NotificationRow = { payment_id: string; status: string; changed_at: Date }

/** Payments of a range of ids, and everything else that names a payment of this range. */
export type PaymentPage = {
  payments: readonly WalkedPayment[]
  byId: ReadonlyMap<string, WalkedPayment>
  holds: ReadonlyMap<string, HoldRow>
  orders: ReadonlyMap<string, WalkedOrder>
  notifications: ReadonlyMap<string, NotificationRow>
  charges: ReadonlyMap<string, readonly Charge[]>
  messages: ReadonlyMap<string, MessageCount>
  /** The banks whose charges are known. */
  banks: ReadonlySet<Bank>
}

const PAGE = 1_000

const PAYMENTS = `
  SELECT payment_id, account_id, external_order_id, amount_minor, currency, status, reason,
    psp, late_capture, updated_at
  FROM payments WHERE payment_id > $1 ORDER BY payment_id LIMIT $2`
// The key of a payment's hold is the payment; the key of a client's hold is the hold itself.
const HOLDS = `
  SELECT payment_id, account_id, amount_minor, currency, status, changed_at
  FROM holds WHERE hold_key > $1 AND payment_id IS NOT NULL ORDER BY hold_key LIMIT $2`
const ORDERS = `
  SELECT paid_payment_id AS payment_id, external_order_id, paid_at
  FROM orders WHERE paid_payment_id > $1 AND status = 'PAID' ORDER BY paid_payment_id LIMIT $2`
const NOTIFICATIONS = `
  SELECT payment_id, status, coalesce(ended_at, created_at) AS changed_at
  FROM notifications WHERE payment_id > $1 AND of_payment_id IS NULL ORDER BY payment_id LIMIT $2`

/**
 * Walks all payments in the order of their ids, after the position of the checkpoint if there is
 * one, together with the rows of `sources` that name them: a merge of sorted pages, so memory does
 * not grow with the number of payments.
 */
export async function* walkPayments(
  input: CheckInput,
  sources: ReadonlySet<CheckSource>,
): AsyncGenerator<PaymentPage> {
  const after = input.since?.paymentId ?? FIRST_ID
  const of = <T extends { payment_id: string }>(
    source: CheckSource,
    pages: () => AsyncIterator<T[]>,
  ): SortedReader<T> => readSorted(sources.has(source) ? pages() : noPages<T>())
  const payments = of<WalkedPayment>('payments', () => rowPages(input.payments, PAYMENTS, after))
  const holds = of<HoldRow>('wallets', () => rowPages(input.wallets, HOLDS, after))
  const orders = of<WalkedOrder>('orders', () => rowPages(input.orders, ORDERS, after))
  const notifications = of<NotificationRow>('notifications', () =>
    rowPages(input.notifications, NOTIFICATIONS, after),
  )
  const charges = of<Charge>('psp', () => wholePayments(chargePages('psp', input.pspUrl, after)))
  const { asyncbankUrl } = input
  const hasAsyncbank = sources.has('psp') && asyncbankUrl !== ''
  const ofAsyncbank = readSorted(
    hasAsyncbank ? wholePayments(chargePages('asyncbank', asyncbankUrl, after)) : noPages<Charge>(),
  )
  const banks = new Set<Bank>(hasAsyncbank ? ['psp', 'asyncbank'] : ['psp'])
  const messages = of<MessageCount>('push', () => messagePages(input.pushUrl, after))
  const readers = [payments, holds, orders, notifications, charges, ofAsyncbank, messages]
  for (let to = ''; to !== LAST_ID;) {
    const known = await Promise.all(readers.map((reader) => reader.knownTo()))
    to = known.reduce((lowest, id) => (id < lowest ? id : lowest))
    const taken = payments.take(to)
    yield {
      payments: taken,
      byId: byPayment(taken),
      holds: byPayment(holds.take(to)),
      orders: byPayment(orders.take(to)),
      notifications: byPayment(notifications.take(to)),
      charges: groupByPayment([...charges.take(to), ...ofAsyncbank.take(to)]),
      messages: byPayment(messages.take(to)),
      banks,
    }
  }
}

async function* noPages<T>(): AsyncGenerator<T[]> {}

async function* rowPages<T extends { payment_id: string }>(
  db: Db,
  statement: string,
  after: string,
): AsyncGenerator<T[]> {
  for (let last = after; ;) {
    const { rows } = await db.query<T>(statement, [last, PAGE])
    if (rows.length === 0) return
    last = rows.at(-1)!.payment_id
    yield rows
  }
}

function byPayment<T extends { payment_id: string }>(rows: readonly T[]): Map<string, T> {
  return new Map(rows.map((row) => [row.payment_id, row]))
}

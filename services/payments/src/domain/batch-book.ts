import type { Dispute } from './dispute.ts'
import type { BlockedDestination } from './fact-effect.ts'
import type { FoundRefund } from './found-refund.ts'
import type { Payment } from './payment.ts'
import type { Refund } from './refund.ts'
import type { ReturnedMoney } from './returned-money.ts'

/** The rows that the events of a batch are about, loaded under the locks of their payments. */
export interface Loaded {
  payments: ReadonlyMap<string, Payment>
  refunds: ReadonlyMap<string, Refund>
  /** Absent in a batch without facts, as nearly all are. */
  facts?: LoadedFacts
}

/** What facts are decided with. */
export interface LoadedFacts {
  returns: ReadonlyMap<string, ReturnedMoney>
  found: ReadonlyMap<string, FoundRefund>
  disputes: ReadonlyMap<string, Dispute>
  /** Failed payments that occupy their orders again: a success after the failure completes them. */
  occupying: ReadonlySet<string>
}

/** A row that changed: its state before and after the batch. */
export interface ChangedRow<T> {
  before: T
  after: T
}

/** A row that is new in this batch, or changed. */
export interface SavedRow<T> {
  before: T | undefined
  after: T
}

/** The rows of a batch as the events so far leave them. */
export interface BatchBook {
  readonly loaded: Loaded
  readonly payments: Map<string, Payment>
  readonly refunds: Map<string, Refund>
  /** Refunds that exist because of a fact, as they are inserted. */
  readonly created: Map<string, Refund>
  readonly returns: Map<string, ReturnedMoney>
  readonly found: Map<string, FoundRefund>
  readonly disputes: Map<string, Dispute>
  readonly blocked: BlockedDestination[]
}

const NO_FACTS: LoadedFacts = {
  returns: new Map(),
  found: new Map(),
  disputes: new Map(),
  occupying: new Set(),
}

/** A book without changes. */
export function openBook(loaded: Loaded): BatchBook {
  return {
    loaded,
    payments: new Map(),
    refunds: new Map(),
    created: new Map(),
    returns: new Map(),
    found: new Map(),
    disputes: new Map(),
    blocked: [],
  }
}

/** The rows of these ids; those of unknown and absent ids are undefined. */
export function rowsIn(
  book: BatchBook,
  ids: Readonly<Record<'payment' | 'refund' | 'returned' | 'dispute', string | undefined>>,
) {
  const { returns, found, disputes } = factsOf(book)
  const dispute = current(disputes, book.disputes, ids.dispute)
  return {
    // That of a dispute may have been named by an evidence before.
    payment: current(
      book.loaded.payments,
      book.payments,
      ids.payment ?? dispute?.paymentId ?? undefined,
    ),
    refund: current(book.loaded.refunds, book.refunds, ids.refund),
    returned: current(returns, book.returns, ids.returned),
    found: current(found, book.found, ids.refund),
    dispute,
  }
}

/** All returns, found refunds and refunds that are known of a payment. */
export function factsOfPayment(book: BatchBook, { paymentId }: Payment) {
  const { returns, found, occupying } = factsOf(book)
  const ofPayment = (it: { paymentId: string | null }) => it.paymentId === paymentId
  return {
    returns: [...new Map([...returns, ...book.returns]).values()].filter(ofPayment),
    found: [...new Map([...found, ...book.found]).values()].filter(ofPayment),
    refunds: new Map([...book.loaded.refunds, ...book.refunds]),
    // A payment whose failure becomes final in this batch has not left its order.
    occupies: occupying.has(paymentId) || book.loaded.payments.get(paymentId)?.status !== 'FAILED',
  }
}

/** What the book changes, sorted by id, which is the order of locks. */
export function changesOf(book: BatchBook) {
  const { payments, refunds } = book.loaded
  const { returns, found, disputes } = factsOf(book)
  return {
    changed: changedIn(payments, book.payments),
    createdRefunds: [...book.created.values()],
    refunds: changedIn(new Map([...refunds, ...book.created]), book.refunds),
    returns: savedIn(returns, book.returns),
    found: savedIn(found, book.found),
    disputes: savedIn(disputes, book.disputes),
    blocked: book.blocked,
  }
}

function factsOf({ loaded }: BatchBook): LoadedFacts {
  return loaded.facts ?? NO_FACTS
}

function current<T>(
  loaded: ReadonlyMap<string, T>,
  changed: ReadonlyMap<string, T>,
  id: string | undefined,
): T | undefined {
  return id === undefined ? undefined : (changed.get(id) ?? loaded.get(id))
}

function changedIn<T>(
  loaded: ReadonlyMap<string, T>,
  changed: ReadonlyMap<string, T>,
): ChangedRow<T>[] {
  return savedIn(loaded, changed).flatMap(({ before, after }) =>
    before === undefined ? [] : [{ before, after }],
  )
}

function savedIn<T>(
  loaded: ReadonlyMap<string, T>,
  changed: ReadonlyMap<string, T>,
): SavedRow<T>[] {
  if (changed.size === 0) return []
  return [...changed]
    .filter(([id, after]) => loaded.get(id) !== after)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, after]) => ({ before: loaded.get(id), after }))
}

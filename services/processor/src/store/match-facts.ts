import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { type CallbackFact, isUnasked, isUnnamed } from '../domain/callback-fact.ts'
import { findByPspId, type FoundByPspId, nameOfId } from './find-by-psp-id.ts'
import { findDisproved } from './find-disproved.ts'
import { findKnowable } from './find-knowable.ts'
import { OPERATIONS, type OperationTable, PAYMENTS } from './operation-tables.ts'

/** What a fact is about. */
export type FactMatch = {
  /** The operation that the fact names; null if there is none here. */
  operation: { table: OperationTable; id: string } | null
  /** The payment that the fact is about, or that its operation belongs to. */
  paymentId: string | null
  /** Our refund that the fact names, if it was canceled before it arrived here. */
  canceledId: string | null
  /** Refunds or voids of the payment are at the PSP, so the fact may be about one of them. */
  mayBeUnderWay: boolean
  /** What the fact is about is not known here yet, but may become known. */
  mayBecomeKnown: boolean
  /** The fact claims an approval, and a later status query was answered with a failure. */
  isDisproved: boolean
}

type Reported = { psp: string; callbackId: string; fact: CallbackFact; tries: number }
type Row = {
  id: string
  payment_id: string | null
  psp: string | null
  attempt_number: number
  has_facts: boolean
  is_under_way: boolean
}
type Known = { payments: ReadonlyMap<string, Row>; operations: ReadonlyMap<string, Row> }

/**
 * Finds what facts are about: by our id, else by the PSP's. An operation at another PSP is not the
 * one that a fact names, even if its id is. Nothing is locked.
 */
export async function matchFacts(tx: Tx, reported: readonly Reported[]): Promise<FactMatch[]> {
  const ours = await loadOurs(tx, reported)
  const unknown = reported.filter((one) => !isKnownByOurs(one, ours))
  // First: what becomes known meanwhile is found by the search behind it.
  const knowable = await findKnowable(tx, unknown.filter(mayBeOpen))
  const byPspId = await findByPspId(tx, unknown)
  const known = await addFound(tx, ours, [...byPspId.values()])
  const matches = reported.map((one) => matchOf(one, known, byPspId))
  const adopted = await findAdopted(tx, matches)
  const disproved = await findDisprovedFacts(tx, reported, matches)
  return reported.map((one, index) => {
    const match = matches[index]!
    const adoption = adopted.get(match.canceledId ?? '')
    if (adoption) return matched({ table: OPERATIONS, id: adoption.id }, adoption)
    const mayBecomeKnown = knowable.has(one) && isOpen(one, match)
    return { ...match, mayBecomeKnown, isDisproved: disproved.has(one) }
  })
}

/** Facts that have waited for the answer to a status query, and that it did not confirm. */
async function findDisprovedFacts(
  tx: Tx,
  reported: readonly Reported[],
  matches: readonly FactMatch[],
): Promise<ReadonlySet<Reported>> {
  const disproved = new Set<Reported>()
  for (const table of [PAYMENTS, OPERATIONS]) {
    const claims = reported.flatMap((one, index) => {
      const { operation } = matches[index]!
      if (operation?.table !== table || one.tries === 0 || one.fact.state !== 'approved') return []
      return [{ one, callbackId: one.callbackId, operationId: operation.id }]
    })
    for (const { one } of await findDisproved(tx, table, claims)) disproved.add(one)
  }
  return disproved
}

/** Loads what facts name by ids of ours, as nearly all of them do. */
async function loadOurs(tx: Tx, reported: readonly Reported[]): Promise<Known> {
  const ours = (pick: (fact: CallbackFact) => (string | null)[]): string[] => [
    ...new Set(reported.flatMap(({ fact }) => pick(fact).filter((id) => id !== null))),
  ]
  const operationIds = ours(({ kind, ourId }) => [kind === 'pay' ? null : ourId])
  const paymentIds = ours(({ kind, ourId, paymentId }) => [
    kind === 'pay' ? ourId : null,
    paymentId,
  ])
  const operations = await load(tx, OPERATIONS, operationIds)
  return { payments: await load(tx, PAYMENTS, paymentIds), operations }
}

/** Whether an id of ours names what the fact is about, so that no id of the PSP is needed. */
function isKnownByOurs({ psp, fact }: Reported, { payments, operations }: Known): boolean {
  const { kind, ourId, paymentId } = fact
  switch (kind) {
    case 'pay':
      return isNamed(payments, ourId, psp)
    case 'return':
      return isNamed(payments, paymentId, psp)
    default:
      return isNamed(operations, ourId, psp)
  }
}

function isNamed(rows: Known['payments'], ourId: string | null, psp: string): boolean {
  const row = ourId === null ? undefined : rows.get(ourId)
  return row !== undefined && row.has_facts && isAt(row, psp)
}

async function addFound(tx: Tx, ours: Known, found: readonly FoundByPspId[]): Promise<Known> {
  const loadOf = async (table: OperationTable, known: Known['payments']) => {
    const ids = new Set(found.flatMap((it) => (it.table === table ? [it.id] : [])))
    const more = await load(
      tx,
      table,
      [...ids].filter((id) => !known.has(id)),
    )
    return new Map([...known, ...more])
  }
  const operations = await loadOf(OPERATIONS, ours.operations)
  return { payments: await loadOf(PAYMENTS, ours.payments), operations }
}

/** Whether it is worth to look for what the fact may be about. */
function mayBeOpen({ fact }: Reported): boolean {
  return fact.state === 'reversed' || isUnnamed(fact)
}

function isOpen({ fact }: Reported, { operation, paymentId }: FactMatch): boolean {
  return operation === null && (fact.state === 'reversed' || paymentId === null)
}

/** The operations with which canceled refunds were adopted, by the refund. */
async function findAdopted(
  tx: Tx,
  matches: readonly FactMatch[],
): Promise<ReadonlyMap<string, Row>> {
  const ids = matches.flatMap(({ canceledId }) => (canceledId === null ? [] : [canceledId]))
  if (ids.length === 0) return new Map()
  const { rows } = await tx.query<{ id: string; request_id: string }>(
    named(
      'find-adopted',
      sql`SELECT operation_id AS id, request_id FROM operations
        WHERE request_id = ANY(${uuidArray(ids, (id) => id)}::uuid[]) AND sequence = 2`,
    ),
  )
  const operations = await load(
    tx,
    OPERATIONS,
    rows.map(({ id }) => id),
  )
  return new Map(rows.map(({ id, request_id: refund }) => [refund, operations.get(id)!]))
}

function matchOf(
  { psp, fact }: Reported,
  { payments, operations }: Known,
  byPspId: ReadonlyMap<string, FoundByPspId>,
): FactMatch {
  const find = (rows: Known['payments'], table: OperationTable, ids: Ids): Row | undefined => {
    if (isNamed(rows, ids.ours, psp)) return rows.get(ids.ours!)
    const found = byPspId.get(nameOfId({ table, psp, itsId: ids.its ?? '' }))
    return found && rows.get(found.id)
  }
  const ofPayment = { ours: fact.paymentId, its: fact.paymentItsId }
  const ofOperation = { ours: fact.ourId, its: fact.itsId }
  if (fact.kind === 'pay') {
    const row = find(payments, PAYMENTS, ofOperation)
    return matched(row && { table: PAYMENTS, id: row.id }, row)
  }
  const row = isUnasked(fact) ? undefined : find(operations, OPERATIONS, ofOperation)
  if (row !== undefined) return matched({ table: OPERATIONS, id: row.id }, row)
  const isCanceled = operations.get(fact.ourId ?? '')?.has_facts === false
  const canceledId = isCanceled ? fact.ourId : null
  return { ...matched(undefined, find(payments, PAYMENTS, ofPayment)), canceledId }
}

type Ids = { ours: string | null; its: string | null }

function matched(operation: FactMatch['operation'] | undefined, row: Row | undefined): FactMatch {
  return {
    operation: operation ?? null,
    paymentId: row?.payment_id ?? null,
    canceledId: null,
    mayBeUnderWay: row?.is_under_way ?? false,
    mayBecomeKnown: false,
    isDisproved: false,
  }
}

/** Before its first attempt, an operation may go to any PSP; release 0.1.0 names none. */
function isAt({ psp, attempt_number: attempts }: Row, reporting: string): boolean {
  if (psp === null && attempts === 0) return true
  return (psp ?? DEFAULT_PSP) === reporting
}

async function load(
  tx: Tx,
  { name, rows: table, id }: OperationTable,
  ids: readonly string[],
): Promise<Map<string, Row>> {
  if (ids.length === 0) return new Map()
  // A request that was canceled before it arrived has no facts, so nothing can be decided about it.
  const statement = sql`
    SELECT ${id} AS id, payment_id, psp, attempt_number, amount_minor IS NOT NULL AS has_facts,
      EXISTS (
      SELECT FROM operations o
      WHERE o.payment_id = t.payment_id AND o.step IS NOT NULL AND o.attempt_number > 0
    ) AS is_under_way
    FROM ${table} t
    WHERE ${id} = ANY(${uuidArray(ids, (it) => it)}::uuid[])`
  const { rows } = await tx.query<Row>(named(`match-${name}`, statement))
  return new Map(rows.map((row) => [row.id, row]))
}

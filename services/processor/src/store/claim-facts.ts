import { named, sql } from '@caudal/postgres/sql.ts'
import type { Reader, Tx } from '@caudal/postgres/types.ts'
import type { CallbackFact } from '../domain/callback-fact.ts'
import { factOf, type StoredFact } from './fact-text.ts'

/** The key of a fact within all accounts. */
export type FactKey = { psp: string; account: string; key: string }

/** A fact that is due, locked. */
export type ClaimedFact = FactKey & {
  callbackId: string
  fact: CallbackFact
  /** How often it has waited so far. */
  tries: number
}

type Row = {
  psp: string
  psp_account: string
  key: string
  callback_id: string
  fact: StoredFact
  tries: number
}

/** The keys of facts that are due, the oldest first. */
export async function findDueFacts(db: Reader, limit: number): Promise<FactKey[]> {
  const statement = sql`
    SELECT psp, psp_account, key FROM callback_facts
    WHERE state = 'RECEIVED' AND due_at <= statement_timestamp()
    ORDER BY due_at, callback_id, position
    LIMIT ${limit}`
  const { rows } = await db.query<Pick<Row, 'psp' | 'psp_account' | 'key'>>(
    named('find-due-facts', statement),
  )
  return rows.map(({ psp, psp_account: account, key }) => ({ psp, account, key }))
}

/** Locks those of the facts that are due and that no other instance has locked, in order. */
export async function claimFacts(tx: Tx, keys: readonly FactKey[]): Promise<ClaimedFact[]> {
  const statement = sql`
    SELECT f.psp, f.psp_account, f.key, f.callback_id, f.fact, f.tries
    FROM callback_facts f
    JOIN unnest(
      ${keys.map((it) => it.psp)}::text[],
      ${keys.map((it) => it.account)}::text[],
      ${keys.map((it) => it.key)}::text[]
    ) AS k(psp, psp_account, key) USING (psp, psp_account, key)
    WHERE f.state = 'RECEIVED' AND f.due_at <= statement_timestamp()
    ORDER BY f.due_at, f.callback_id, f.position
    FOR UPDATE OF f SKIP LOCKED`
  const { rows } = await tx.query<Row>(named('claim-facts', statement))
  return rows.map((row) => ({
    psp: row.psp,
    account: row.psp_account,
    key: row.key,
    callbackId: row.callback_id,
    fact: factOf(row.key, row.fact),
    tries: row.tries,
  }))
}

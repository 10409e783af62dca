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
  /** Whether it is the only fact of its callback. */
  isAlone: boolean
}

type Row = {
  psp: string
  psp_account: string
  key: string
  callback_id: string
  fact: StoredFact
  tries: number
  is_alone: boolean
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

/** Locks facts that are due and that no other instance has locked, the oldest first. */
export async function claimFacts(
  tx: Tx,
  which: { most: number } | FactKey,
): Promise<ClaimedFact[]> {
  const due = sql`
    SELECT psp, psp_account, key, callback_id, fact, tries, (
      SELECT count(*) FROM callback_facts o WHERE o.callback_id = f.callback_id
    ) = 1 AS is_alone
    FROM callback_facts f
    WHERE state = 'RECEIVED' AND due_at <= statement_timestamp()`
  const statement =
    'most' in which
      ? named(
          'claim-facts',
          sql`${due} ORDER BY due_at, callback_id, position LIMIT ${which.most}
            FOR UPDATE OF f SKIP LOCKED`,
        )
      : named(
          'claim-fact',
          sql`${due} AND psp = ${which.psp} AND psp_account = ${which.account}
            AND key = ${which.key} FOR UPDATE OF f SKIP LOCKED`,
        )
  const { rows } = await tx.query<Row>(statement)
  return rows.map((row) => ({
    psp: row.psp,
    account: row.psp_account,
    key: row.key,
    callbackId: row.callback_id,
    fact: factOf(row.key, row.fact),
    tries: row.tries,
    isAlone: row.is_alone,
  }))
}

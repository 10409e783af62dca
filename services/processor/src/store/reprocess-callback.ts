import { textArray } from '@caudal/postgres/array-parameter.ts'
import { sql } from '@caudal/postgres/sql.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { NamedAccount } from '../domain/accounts-of-tenant.ts'
import type { CallbackFact } from '../domain/callback-fact.ts'
import { factText } from './fact-text.ts'
import { finishCallbacks } from './finish-facts.ts'
import { ofAccounts } from './of-accounts.ts'

/** A stored callback whose facts may be read again. */
export type StoredBody = { psp: string; body: Buffer }

/**
 * Makes the facts of a callback due again that were parked or contradicted; what was applied stays.
 * Facts that could not be read are read again, since a later release may understand them. Returns
 * whether there is such a callback; `accounts`, unless null, are those that it may be of.
 */
export async function reprocessCallback(
  db: Db,
  callbackId: string,
  read: (stored: StoredBody) => readonly CallbackFact[],
  accounts: readonly NamedAccount[] | null = null,
): Promise<boolean> {
  return transaction(
    db,
    async (tx) => {
      const { rows } = await tx.query<StoredBody & { is_masked: boolean }>(sql`
      SELECT psp, body, is_masked FROM callbacks
      WHERE callback_id = ${callbackId}${ofAccounts(accounts)}`)
      const [stored] = rows
      if (stored === undefined) return false
      // A masked body may no longer have the ids that it came with.
      const facts = stored.is_masked ? [] : read(stored).filter(({ state }) => state !== 'unknown')
      // Facts before their callback, as everywhere, and sorted.
      await tx.query(sql`
      SELECT FROM callback_facts WHERE callback_id = ${callbackId}
      ORDER BY psp, psp_account, key FOR UPDATE`)
      await tx.query(sql`
      UPDATE callback_facts f SET
        state = 'RECEIVED', due_at = statement_timestamp(), applied_at = NULL, tries = 0,
        fact = CASE WHEN f.fact->>'state' = 'unknown'
          THEN coalesce(r.fact::jsonb, f.fact) ELSE f.fact END
      FROM callback_facts o
      LEFT JOIN unnest(
        ${textArray(facts, ({ key }) => key)}::text[],
        ${textArray(facts, factText)}::text[]
      ) AS r(key, fact) ON r.key = o.key
      WHERE o.callback_id = ${callbackId} AND o.state IN ('PARKED', 'CONTRADICTION')
        AND f.psp = o.psp AND f.psp_account = o.psp_account AND f.key = o.key`)
      await finishCallbacks(tx, [callbackId])
      return true
    },
    'reprocessed-callbacks',
  )
}

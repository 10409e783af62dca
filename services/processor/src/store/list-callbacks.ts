import { named, sql } from '@caudal/postgres/sql.ts'
import type { Reader } from '@caudal/postgres/types.ts'
import type { NamedAccount } from '../domain/accounts-of-tenant.ts'
import type { StoredFact } from './fact-text.ts'
import { ofAccounts } from './of-accounts.ts'

/** A callback as operators see it: what it states, without its body. */
export type ListedCallback = {
  callback_id: string
  psp: string
  psp_account: string
  state: string
  received_at: Date
  finished_at: Date | null
  facts: {
    key: string
    state: string
    cause: string | null
    payment_id: string | null
    fact: StoredFact
  }[]
}

/** The most facts of one callback that are listed. */
const MOST_FACTS = 100

/** Callbacks before the position, the newest first; null means any state and any account. */
export async function listCallbacks(
  db: Reader,
  filter: {
    state: string | null
    before: string | null
    limit: number
    accounts: readonly NamedAccount[] | null
  },
): Promise<ListedCallback[]> {
  const { state, before, limit, accounts } = filter
  const statement = sql`
    SELECT c.callback_id, c.psp, c.psp_account, c.state, c.received_at, c.finished_at,
      coalesce(f.facts, '[]'::jsonb) AS facts
    FROM (
      SELECT * FROM callbacks
      WHERE (${state}::text IS NULL OR state = ${state}::text)
        AND (${before}::uuid IS NULL OR callback_id < ${before}::uuid)${ofAccounts(accounts)}
      ORDER BY callback_id DESC
      LIMIT ${limit}
    ) c
    LEFT JOIN LATERAL (
      SELECT jsonb_agg(jsonb_build_object('key', key, 'state', state, 'cause', cause,
        'payment_id', payment_id, 'fact', fact) ORDER BY position) AS facts
      FROM (
        SELECT * FROM callback_facts o WHERE o.callback_id = c.callback_id
        ORDER BY position LIMIT ${MOST_FACTS}
      ) AS first
    ) f ON true
    ORDER BY c.callback_id DESC`
  const { rows } = await db.query<ListedCallback>(named('list-callbacks', statement))
  return rows
}

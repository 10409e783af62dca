import { textArray } from '@caudal/postgres/array-parameter.ts'
import { type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Reader } from '@caudal/postgres/types.ts'
import type { NamedAccount } from '../domain/accounts-of-tenant.ts'
import type { StoredFact } from './fact-text.ts'

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

type Filter = {
  state: string | null
  before: string | null
  limit: number
  accounts: readonly NamedAccount[] | null
}

/** Callbacks before the position, the newest first; null means any state and any account. */
export async function listCallbacks(db: Reader, filter: Filter): Promise<ListedCallback[]> {
  const statement = sql`
    SELECT c.callback_id, c.psp, c.psp_account, c.state, c.received_at, c.finished_at,
      coalesce(f.facts, '[]'::jsonb) AS facts
    FROM (${pageOf(filter)}) c
    LEFT JOIN LATERAL (
      SELECT jsonb_agg(jsonb_build_object('key', key, 'state', state, 'cause', cause,
        'payment_id', payment_id, 'fact', fact) ORDER BY position) AS facts
      FROM (
        SELECT * FROM callback_facts o WHERE o.callback_id = c.callback_id
        ORDER BY position LIMIT ${MOST_FACTS}
      ) AS first
    ) f ON true
    ORDER BY c.callback_id DESC`
  const { rows } = await db.query<ListedCallback>(statement)
  return rows
}

/** The page of each account is read by index, so a rare account costs what a frequent one does. */
function pageOf({ state, before, limit, accounts }: Filter): Sql {
  const conditions = sql`${state === null ? sql`` : sql` AND c.state = ${state}`}
    ${before === null ? sql`` : sql` AND c.callback_id < ${before}::uuid`}`
  const newest = sql`ORDER BY c.callback_id DESC LIMIT ${limit}`
  if (accounts === null) return sql`SELECT * FROM callbacks c WHERE true ${conditions} ${newest}`
  return sql`
    SELECT c.* FROM unnest(
      ${textArray(accounts, (it) => it.psp)}::text[],
      ${textArray(accounts, (it) => it.account)}::text[]
    ) AS a(psp, account)
    CROSS JOIN LATERAL (
      SELECT * FROM callbacks c
      WHERE c.psp = a.psp AND c.psp_account = a.account ${conditions} ${newest}
    ) AS c
    ${newest}`
}

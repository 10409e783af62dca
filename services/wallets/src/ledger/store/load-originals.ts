import { uuidArray } from '@caudal/postgres/array-parameter.ts'
import { named, type Sql, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { accountGroup, type AccountKind } from '../domain/account.ts'
import { add, type Sum } from '../domain/correction.ts'
import { type LedgerState, transferName } from '../domain/ledger-state.ts'

interface Row {
  transfer_id: string
  corrects_id: string | null
  tenant_id: string
  account_id: string
  kind: AccountKind
  psp: string | null
  currency: string
  minor: string
}

/** Keeps these advisory locks apart from others of the database. */
const LOCK_SEED = 41

/** The transfers that corrections name, and up to what those correct themselves: the roots. */
function selectRoots(transferIds: readonly string[]): Sql {
  return sql`
    up AS (
      SELECT transfer_id, corrects_id FROM transfers
      WHERE transfer_id = ANY(${uuidArray(transferIds, (id) => id)}::uuid[])
      UNION
      SELECT p.transfer_id, p.corrects_id
      FROM up u CROSS JOIN LATERAL (
        SELECT transfer_id, corrects_id FROM transfers t
        WHERE t.transfer_id = u.corrects_id LIMIT 1
      ) AS p
    ), roots AS MATERIALIZED (
      SELECT u.transfer_id FROM up u
      WHERE NOT EXISTS (SELECT FROM up p WHERE p.transfer_id = u.corrects_id)
    )`
}

/**
 * Locks the transfers that corrections name until the transaction ends, by the root of their
 * corrections, so that two corrections of one are decided one after the other, whichever accounts
 * and slots they move. Comes before the locks of rule 6, in one order. Transfers never change, so
 * there is no row of them to lock, and a root stays what it is.
 */
export async function lockOriginals(tx: Tx, transferIds: readonly string[]): Promise<void> {
  if (transferIds.length === 0) return
  const statement = sql`
    WITH RECURSIVE ${selectRoots(transferIds)}
    SELECT pg_advisory_xact_lock(key) FROM (
      SELECT DISTINCT hashtextextended(transfer_id::text, ${LOCK_SEED}::bigint) AS key
      FROM roots ORDER BY key
    ) k`
  await tx.query(named('lock-originals', statement))
}

/**
 * Puts the transfers that corrections name into the state, with what they and all their corrections
 * did to each account, and so what they correct themselves: one query for the batch. Their locks
 * must be held. Entries have no index by transfer; by the time of booking the few blocks that they
 * can be in are known. LIMIT and OFFSET make each lookup one walk down an index (`by_key`).
 */
export async function loadOriginals(
  tx: Tx,
  state: LedgerState,
  transferIds: readonly string[],
): Promise<void> {
  if (transferIds.length === 0) return
  const statement = sql`
    WITH RECURSIVE ${selectRoots(transferIds)}, family AS (
      SELECT r.transfer_id, t.tenant_id, t.booked_at, NULL::uuid AS corrects_id
      FROM roots r CROSS JOIN LATERAL (
        SELECT tenant_id, booked_at FROM transfers t
        WHERE t.transfer_id = r.transfer_id LIMIT 1
      ) AS t
      UNION ALL
      SELECT c.transfer_id, c.tenant_id, c.booked_at, f.transfer_id
      FROM family f CROSS JOIN LATERAL (
        SELECT transfer_id, tenant_id, booked_at FROM transfers t
        WHERE t.corrects_id = f.transfer_id OFFSET 0
      ) AS c
    ), sums AS MATERIALIZED (
      SELECT f.transfer_id, f.tenant_id, f.booked_at, f.corrects_id, e.account_id,
        sum(e.amount_minor) AS minor
      FROM family f CROSS JOIN LATERAL (
        SELECT account_id, amount_minor FROM entries e
        WHERE e.transfer_id = f.transfer_id AND e.booked_at = f.booked_at OFFSET 0
      ) AS e
      GROUP BY 1, 2, 3, 4, 5
    )
    SELECT s.transfer_id, s.corrects_id, s.tenant_id, s.account_id, a.kind, a.psp, a.currency,
      s.minor::text AS minor
    FROM sums s CROSS JOIN LATERAL (
      SELECT kind, psp, currency FROM accounts i WHERE i.account_id = s.account_id LIMIT 1
    ) AS a`
  const { rows } = await tx.query<Row>(named('load-originals', statement))
  putOriginals(state, rows)
}

interface Found {
  parent: string | null
  effects: Map<string, Sum>
  corrected: Map<string, Sum>
  descended: Map<string, Sum>
}

function putOriginals(state: LedgerState, rows: readonly Row[]): void {
  const found = new Map<string, Found>()
  for (const row of rows) {
    const name = transferName(row.tenant_id, row.transfer_id)
    const parent = row.corrects_id === null ? null : transferName(row.tenant_id, row.corrects_id)
    let one = found.get(name)
    if (one === undefined) {
      one = { parent, effects: new Map(), corrected: new Map(), descended: new Map() }
      found.set(name, one)
    }
    const group = accountGroup({ ...row, accountId: row.account_id })
    add(one.effects, group, { currency: row.currency, minor: BigInt(row.minor) })
  }
  for (const { parent, effects } of found.values()) {
    for (const [group, sum] of effects) {
      const direct = found.get(parent ?? '')
      if (direct !== undefined) add(direct.corrected, group, sum)
      for (let above = direct; above !== undefined; above = found.get(above.parent ?? '')) {
        add(above.descended, group, sum)
      }
    }
  }
  for (const [name, original] of found) state.originals.set(name, original)
}

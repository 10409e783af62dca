import type { Actor } from '@caudal/contracts/actor.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db, Reader } from '@caudal/postgres/types.ts'
import type { PspState } from '../domain/psp-state.ts'

/** A change of the state of a PSP: by whom and why. */
export type StateChange = { psp: string; state: PspState; reason: string; actor: Actor }

/** A change as it was recorded. */
export type RecordedChange = StateChange & { changeId: bigint; changedAt: Date }

/** Loads the states that were ever set. */
export async function findPspStates(db: Db): Promise<ReadonlyMap<string, PspState>> {
  const { rows } = await db.query<{ psp: string; state: PspState }>(
    named('find-psp-states', sql`SELECT psp, state FROM psp_states`),
  )
  return new Map(rows.map((row) => [row.psp, row.state]))
}

/**
 * Sets the state and records the change. The state that a PSP has already, `enabled` without a row,
 * changes nothing.
 */
export async function setPspState(
  db: Db,
  { psp, state, reason, actor }: StateChange,
): Promise<void> {
  await transaction(
    db,
    async (tx) => {
      const { rowCount } = await tx.query(sql`
      INSERT INTO psp_states AS present (psp, state, reason)
      SELECT ${psp}::text, ${state}::text, ${reason}::text
      WHERE ${state} <> 'enabled' OR EXISTS (SELECT FROM psp_states WHERE psp = ${psp})
      ON CONFLICT (psp) DO UPDATE SET
        state = excluded.state, reason = excluded.reason, changed_at = statement_timestamp()
      WHERE present.state <> excluded.state`)
      if (rowCount === 0) return
      await tx.query(sql`
      INSERT INTO psp_state_changes (psp, state, reason, actor_type, actor_id)
      VALUES (${psp}, ${state}, ${reason}, ${actor.type}, ${actor.id})`)
    },
    'psp-states',
  )
}

type ChangeRow = {
  change_id: bigint
  state: PspState
  reason: string
  actor_type: Actor['type']
  actor_id: string
  changed_at: Date
}

/** The changes of a PSP's state before the position, the newest first. */
export async function listStateChanges(
  db: Reader,
  { psp, before, limit }: { psp: string; before: bigint | null; limit: number },
): Promise<RecordedChange[]> {
  const { rows } = await db.query<ChangeRow>(
    named(
      'list-psp-state-changes',
      sql`SELECT change_id, state, reason, actor_type, actor_id, changed_at
        FROM psp_state_changes
        WHERE psp = ${psp} AND (${before}::bigint IS NULL OR change_id < ${before}::bigint)
        ORDER BY change_id DESC
        LIMIT ${limit}`,
    ),
  )
  return rows.map((row) => ({
    psp,
    changeId: row.change_id,
    state: row.state,
    reason: row.reason,
    actor: { type: row.actor_type, id: row.actor_id },
    changedAt: row.changed_at,
  }))
}

import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { embeddedLogId, type LogId, type LogIds } from '../log-identity.ts'

/** `copied`: all records are there and compared; positions may be of either log. */
export type MoveStep = 'copying' | 'copied' | 'moved'

/** The move of an embedded log, as its database keeps it. */
export type Move = { target: LogIds; step: MoveStep }

/** The move that was begun; undefined for none. */
export async function findMove(logDb: Db): Promise<Move | undefined> {
  const { rows } = await logDb.query<{ target: Record<string, string>; step: MoveStep }>(
    sql`SELECT target, step FROM log_moves`,
  )
  const [row] = rows
  return row && { target: new Map(Object.entries(row.target)), step: row.step }
}

/** The identity of the embedded log, also of one that was moved. */
export async function findEmbeddedId(logDb: Db): Promise<LogId> {
  const { rows } = await logDb.query<{ log_id: string }>(sql`SELECT log_id FROM log_identity`)
  return embeddedLogId(rows[0]!.log_id)
}

/** Begins a move, or begins it anew with other topics. */
export async function beginMove(logDb: Db, target: LogIds): Promise<void> {
  const json = JSON.stringify(Object.fromEntries(target))
  await logDb.query(sql`
    INSERT INTO log_moves (target) VALUES (${json}::jsonb)
    ON CONFLICT (only_row) DO UPDATE
    SET target = excluded.target, step = 'copying', started_at = now()`)
}

/** Notes how far the move has come. */
export async function noteStep(logDb: Db, step: MoveStep): Promise<void> {
  await logDb.query(sql`
    UPDATE log_moves SET step = ${step},
      moved_at = CASE ${step} WHEN 'moved' THEN now() END`)
}

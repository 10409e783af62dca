import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { isoTime } from './operation-row.ts'
import type { OperationTable } from './operation-tables.ts'

/** An attempt about to be sent: SENDING from now on (rule 9). */
export type BegunAttempt = { operationId: string; number: number; deadlineAt: number }

/** Records further attempts. The primary key rejects a second attempt with the same number. */
export async function beginAttempts(
  tx: Tx,
  table: OperationTable,
  attempts: readonly BegunAttempt[],
): Promise<void> {
  if (attempts.length === 0) return
  const statement = sql`
    INSERT INTO ${table.attempts} (${table.id}, number, status, deadline_at)
    SELECT id, number, 'SENDING', deadline_at
    FROM unnest(
      ${attempts.map((it) => it.operationId)}::uuid[],
      ${attempts.map((it) => it.number)}::int[],
      ${attempts.map((it) => isoTime(it.deadlineAt))}::timestamptz[]
    ) AS b(id, number, deadline_at)`
  await tx.query(named(`begin-attempts-of-${table.name}`, statement))
}

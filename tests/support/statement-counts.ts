import { connectAsAdmin } from './database-server.ts'

/** How often a statement was executed in a database since the last reset. */
export type StatementCount = { database: string; text: string; calls: number }

/** Reads pg_stat_statements. */
export type StatementCounter = {
  reset(): Promise<void>
  read(): Promise<StatementCount[]>
  close(): Promise<void>
}

/** The databases of the simulators. */
const LEFT_OUT = ['caudal_psp', 'caudal_asyncbank', 'caudal_push']

/**
 * Counts the statements of the services with pg_stat_statements. With `track = all`, BEGIN, COMMIT
 * and statements in functions count too. The counter uses a database that is not counted.
 */
export async function openStatementCounter(dataDir: string): Promise<StatementCounter> {
  const admin = await connectAsAdmin(dataDir)
  const { rows } = await admin.query<{ track: string }>('SHOW pg_stat_statements.track')
  if (Object.values(rows[0]!)[0] !== 'all') throw new Error('pg_stat_statements.track is not all')
  return {
    reset: async () => void (await admin.query('SELECT pg_stat_statements_reset()')),
    read: async () => {
      const found = await admin.query<{ database: string; text: string; calls: string }>(
        `SELECT d.datname AS database, s.query AS text, sum(s.calls) AS calls
         FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
         WHERE d.datname LIKE 'caudal\\_%' AND d.datname <> ALL($1)
         GROUP BY d.datname, s.query`,
        [LEFT_OUT],
      )
      return found.rows.map((row) => ({ ...row, calls: Number(row.calls) }))
    },
    close: () => admin.end(),
  }
}

/** The total number of calls. */
export function totalCalls(statements: readonly StatementCount[]): number {
  return statements.reduce((sum, { calls }) => sum + calls, 0)
}

/**
 * Subtracts the calls of an idle system, scaled to the same time, from the counted ones; the result
 * of a statement is never negative.
 */
export function beyondIdle(
  counted: { statements: readonly StatementCount[]; seconds: number },
  idle: { statements: readonly StatementCount[]; seconds: number },
): StatementCount[] {
  const name = ({ database, text }: StatementCount): string => `${database} ${text}`
  const idleCalls = new Map(idle.statements.map((it) => [name(it), it.calls]))
  return counted.statements.map((it) => {
    const polls = ((idleCalls.get(name(it)) ?? 0) * counted.seconds) / idle.seconds
    return { ...it, calls: Math.max(0, Math.round(it.calls - polls)) }
  })
}

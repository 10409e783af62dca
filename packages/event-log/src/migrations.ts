import { fileURLToPath } from 'node:url'
import { TOPICS } from '@caudal/contracts/topics.ts'
import type { MigrationSet } from '@caudal/postgres/migrate.ts'
import pg from 'pg'
import { addTopics } from './postgres/add-topics.ts'
import { type LogUser, letUseLog } from './postgres/let-use-log.ts'

/** The columns that redriving and discarding a parked record change. */
const DECIDED = 'kind, next_attempt_at, redriven_at, resolved_at, resolution'

/** Tables that a consuming service needs in its own database: offsets and parked records. */
export const consumerMigrations: MigrationSet = {
  name: 'consumer',
  dir: fileURLToPath(new URL('../migrations/consumer', import.meta.url)),
  // The operator may decide about parked records (`caudal dlq`) and change nothing else of them: a
  // record that is redriven with another value would be an event that no service emitted.
  finish: async (owner, { operator }) => {
    if (operator === undefined) return
    const role = pg.escapeIdentifier(operator)
    await owner.query(`REVOKE UPDATE ON parked_records FROM ${role}`)
    await owner.query(`GRANT UPDATE (${DECIDED}) ON parked_records TO ${role}`)
    await owner.query(`GRANT INSERT ON parked_record_actions TO ${role}`)
  },
}

/**
 * The log of the postgres driver, in a database of its own. A role that `users` does not name may
 * append to every topic: one role for all services, as in a test.
 */
export function logMigrationsOf(users: readonly LogUser[]): MigrationSet {
  return {
    name: 'log',
    dir: fileURLToPath(new URL('../migrations/log', import.meta.url)),
    finish: async (owner, { roles }) => {
      await addTopics(owner, Object.values(TOPICS))
      for (const role of roles) {
        const own = users.filter((user) => user.role === role)
        const any = { role, appends: Object.values(TOPICS), reads: true }
        await letUseLog(owner, own.length === 0 ? any : joined(role, own))
      }
    },
  }
}

/** The log of a system whose services share one role. */
export const logMigrations = logMigrationsOf([])

/** Services that connect as the same role have what any of them has. */
function joined(role: string, users: readonly LogUser[]): LogUser {
  const appends = [...new Set(users.flatMap((user) => user.appends))]
  return { role, appends, reads: users.some(({ reads }) => reads) }
}

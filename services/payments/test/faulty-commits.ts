import type { Db, Tx } from '@caudal/postgres/types.ts'
import pg from 'pg'

/** How a COMMIT ends; `commit` sends it. */
export type Commit = (tx: Tx, commit: () => Promise<unknown>) => Promise<unknown>

/** The same database, but the first COMMIT ends as the test defines. */
export function withFirstCommit(db: Db, first: Commit): Db {
  let pending: Commit | undefined = first
  return new Proxy(db, {
    get(pool, name) {
      if (name !== 'connect') return bound(pool, name)
      return async () => {
        const client = await pool.connect()
        return new Proxy(client, {
          get(tx, member) {
            if (member !== 'query' || !pending) return bound(tx, member)
            return (...args: [string]) => {
              if (args[0] !== 'COMMIT' || !pending) return tx.query(...args)
              const commit = pending
              pending = undefined
              return commit(tx, () => tx.query(...args))
            }
          },
        })
      }
    },
  })
}

function bound(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name)
  return typeof value === 'function' ? (value.bind(target) as unknown) : value
}

/** Kills the connection's server process, as a crash would. */
export async function terminate(adminUrl: string, tx: Tx): Promise<void> {
  const { processID } = tx as unknown as { processID: number }
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  await admin.query('SELECT pg_terminate_backend($1)', [processID])
  await admin.end()
}

/** What can happen to a COMMIT whose outcome stays unknown. */
export const commitFaults = (adminUrl: () => string): [name: string, commit: Commit][] => [
  [
    'that took effect but was never answered',
    async (tx, commit) => {
      await commit()
      await terminate(adminUrl(), tx)
      throw new Error('Connection terminated unexpectedly')
    },
  ],
  [
    'that never arrived, because the server process was killed',
    async (tx, commit) => {
      await terminate(adminUrl(), tx)
      return commit()
    },
  ],
  [
    'that was answered with ROLLBACK (planted, rule 1)',
    async (tx, commit) => {
      await tx.query('SELECT 1 / 0').catch(() => {})
      return commit()
    },
  ],
]

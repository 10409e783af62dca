import { clientConfig } from '@caudal/postgres/client-config.ts'
import pg from 'pg'
import { CONSUMERS, PUBLISHERS } from '../verify/outbox-checks.ts'
import type { StoppedSystem } from './stopped-system.ts'

const SERVICES = [...new Set([...PUBLISHERS, ...CONSUMERS])]
/** What the connections of services are called; `caudal-log…` are those to the embedded log. */
const SESSIONS = [
  ...SERVICES,
  'wallets-commands',
  'caudal-relay',
  'caudal-log',
  'caudal-log-listen',
]

/**
 * Makes sure that no service runs, and that none can publish or consume until `release`: this
 * process holds the locks by which their relays and consumers take turns.
 *
 * @throws {Error} naming what runs
 */
export async function holdServices(
  system: StoppedSystem,
  services: readonly string[],
): Promise<{ release(): Promise<void> }> {
  const clients: pg.Client[] = []
  const release = async (): Promise<void> => {
    await Promise.all(clients.map((client) => client.end().catch(() => {})))
  }
  const connect = async (url: string): Promise<pg.Client> => {
    const client = new pg.Client(clientConfig(url, { applicationName: 'caudal-move-log' }))
    client.on('error', () => {}) // its lock is gone then; the statement under way fails
    await client.connect()
    clients.push(client)
    return client
  }
  try {
    const log = await connect(system.logUrl)
    await refuseSessions(log)
    await lock(log, `hashtext('caudal_move_log')::bigint`, 'another "caudal move-log" is running')
    for (const group of CONSUMERS) {
      const key = `hashtext('caudal_group'), hashtext('${group}')`
      await lock(log, key, `${group} is running: stop all services first`)
    }
    for (const service of services) {
      const client = await connect(system.databaseUrl(`caudal_${service}`))
      await refuseSessions(client)
      const running = `the relay of ${service} is running: stop all services first`
      await lock(client, `hashtext('caudal_relay')`, running)
    }
    return { release }
  } catch (error) {
    await release()
    throw error
  }
}

async function refuseSessions(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ database: string; name: string }>(
    `SELECT datname AS database, application_name AS name FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
       AND application_name = ANY($1) LIMIT 1`,
    [SESSIONS],
  )
  const [row] = rows
  if (row === undefined) return
  throw new Error(
    `"${row.name}" is connected to the database ${row.database}: stop all services first`,
  )
}

async function lock(client: pg.Client, key: string, refusal: string): Promise<void> {
  const { rows } = await client.query<{ locked: boolean }>(
    `SELECT pg_try_advisory_lock(${key}) AS locked`,
  )
  if (!rows[0]!.locked) throw new Error(refusal)
}

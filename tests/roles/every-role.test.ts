import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test } from 'node:test'
import {
  ACCESS,
  OPERATOR_ROLE,
  ROLES,
  STATEFUL,
  type StatefulService,
} from '@caudal/contracts/service-access.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import { openPostgresLog } from '@caudal/event-log/postgres/open-postgres-log.ts'
import {
  type LocalPostgres,
  startLocalPostgres,
} from '@caudal/local-postgres/start-local-postgres.ts'
import { databaseUrl } from '@caudal/postgres/database-url.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { migrateServices, migrationTargets } from 'caudal/system/migrate-services.ts'
import { SERVICE_ENTRIES } from 'caudal/system/services.ts'
import pg from 'pg'
import { dataDirectory } from '../support/launch-system.ts'
import { grantedRights, type Right } from './granted-rights.ts'
import { type Table, tablesOf, tryRights } from './try-rights.ts'

const LOG = 'caudal_log'
const silent = { info: () => {}, warn: () => {}, error: () => {} }
const scope = suiteScope()
let server: LocalPostgres

before(async () => {
  scope.after(() => server.stop())
  const dataDir = join(await dataDirectory(scope), 'postgres')
  server = await startLocalPostgres({ dataDir, roles: ROLES, throwaway: true, logger: silent })
  const targets = migrationTargets(STATEFUL, {})
  await migrateServices({ ownerUrl: server.ownerUrl, targets, logDatabase: LOG })
})

async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

const as = (role: string, database: string): string => databaseUrl(server.roleUrl(role), database)
const asOwner = (database: string): string => databaseUrl(server.ownerUrl, database)

/** What a role may do with each table of a database that it may connect to, by trying. */
async function rightsOf(role: string, database: string): Promise<Record<string, Right[]>> {
  const tables = await connected(asOwner(database), tablesOf)
  return connected(as(role, database), async (client) => {
    const found: Record<string, Right[]> = {}
    for (const table of tables) found[table.name] = sorted(await tryRights(client, table))
    return found
  })
}

/** The same, by what is declared: `UPDATE *` is one of each column. */
async function declared(
  database: string,
  rights: (table: Table) => Iterable<Right>,
): Promise<Record<string, Right[]>> {
  const tables = await connected(asOwner(database), tablesOf)
  return Object.fromEntries(
    tables.map((table) => {
      const expanded = [...rights(table)].flatMap((right) =>
        right === 'UPDATE *' ? table.columns.map((column) => `UPDATE ${column}`) : [right],
      )
      return [table.name, sorted(expanded)]
    }),
  )
}

const sorted = (rights: Iterable<Right>): Right[] => [...new Set(rights)].toSorted()

/** The rights on the log's tables; nobody but its owner changes them. */
const logRights = (reads: boolean) => {
  const read = ['log_partitions', 'log_identity', 'log_moves', 'migrations_log']
  return ({ name }: Table): Right[] =>
    read.includes(name) || (reads && name === 'log_records') ? ['SELECT'] : []
}

const usesLog = (service: StatefulService): boolean =>
  ACCESS[service].appends.length + ACCESS[service].reads.length > 0

test('every role connects to the database of its service, and to the log if it uses it', async () => {
  const databases = [...STATEFUL.map((service) => ACCESS[service].database), LOG]
  for (const service of STATEFUL) {
    const { role, database } = ACCESS[service]
    const open = new Set([database, ...(usesLog(service) ? [LOG] : [])])
    for (const name of databases) {
      const trying = connected(as(role, name), async () => {})
      if (open.has(name)) await trying
      else await assert.rejects(trying, { code: '42501' }, `${role} in ${name}`)
    }
  }
})

test('every role may do with each table of its service what the migrations grant', async () => {
  for (const service of STATEFUL) {
    const { role, database } = ACCESS[service]
    const granted = await grantedRights(await SERVICE_ENTRIES.get(service)!.migrations())
    const expected = await declared(database, ({ name }) => granted.get(name) ?? [])
    assert.deepEqual(await rightsOf(role, database), expected, role)
  }
})

test('every role appends to the topics of its own events, and to no other', async () => {
  for (const service of STATEFUL.filter(usesLog)) {
    const { role, appends, reads } = ACCESS[service]
    const expected = await declared(LOG, logRights(reads.length > 0))
    assert.deepEqual(await rightsOf(role, LOG), expected, role)
    const log = await openPostgresLog({ url: as(role, LOG) })
    try {
      for (const topic of Object.values(TOPICS)) {
        const appending = log.append([{ topic, key: role, value: role, headers: {} }])
        if (appends.includes(topic)) await appending
        else await assert.rejects(appending, { code: 'EVENT_LOG_REFUSED' }, `${role} to ${topic}`)
      }
    } finally {
      await log.close()
    }
  }
})

test('a role cannot append under the name of another one, nor leave gaps in its topic', async () => {
  const append = (topic: string, place: number): string =>
    `SELECT append_records('{${topic}}', '{0}', '{1}', '{1}', '{${place}}', '{k}', '{v}', '{"{}"}')`
  await connected(as('caudal_processor', LOG), async (client) => {
    await client.query(append(TOPICS.paymentsResults, 0))
    await assert.rejects(client.query(append(TOPICS.ledger, 0)), { code: '42501' })
    await assert.rejects(client.query(append(TOPICS.paymentsResults, 5)), { code: '22023' })
    const other = 'SET SESSION AUTHORIZATION caudal_wallets'
    await assert.rejects(client.query(other), { code: '42501' })
  })
})

test('the role of operators reads everything but secrets, and decides about parked records', async () => {
  for (const service of STATEFUL) {
    const sets = await SERVICE_ENTRIES.get(service)!.migrations()
    const secret = sets.flatMap(({ secretTables = [] }) => secretTables)
    const decides: Record<string, Right[]> = {
      parked_records: ['UPDATE *'],
      parked_record_actions: ['INSERT'],
    }
    const { database } = ACCESS[service]
    const partitions = await connected(asOwner(database), async (owner) => {
      const { rows } = await owner.query<{ name: string }>(
        'SELECT relname AS name FROM pg_class WHERE relispartition',
      )
      return new Set(rows.map(({ name }) => name))
    })
    const expected = await declared(database, ({ name }) =>
      secret.includes(name) || partitions.has(name) ? [] : ['SELECT', ...(decides[name] ?? [])],
    )
    assert.deepEqual(await rightsOf(OPERATOR_ROLE, database), expected, database)
  }
  const log = await declared(LOG, () => ['SELECT'])
  assert.deepEqual(await rightsOf(OPERATOR_ROLE, LOG), log)
})

test('nothing in a database is granted to PUBLIC', async () => {
  for (const database of [...STATEFUL.map((service) => ACCESS[service].database), LOG]) {
    const open = await connected(asOwner(database), async (owner) => {
      const { rows } = await owner.query<{ name: string }>(`
        SELECT relname::text AS name FROM pg_class, aclexplode(relacl) a
        WHERE relnamespace = 'public'::regnamespace AND a.grantee = 0
        UNION SELECT oid::regprocedure::text FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace
          AND (proacl IS NULL OR EXISTS (SELECT FROM aclexplode(proacl) WHERE grantee = 0))
        UNION SELECT datname::text FROM pg_database, aclexplode(datacl) a
        WHERE datname = current_database() AND a.grantee = 0`)
      return rows
    })
    assert.deepEqual(open, [], database)
  }
})

test('a second migration changes no rights', async () => {
  const rights = await rightsOf('caudal_wallets', 'caudal_wallets')
  const targets = migrationTargets(STATEFUL, {})
  await migrateServices({ ownerUrl: server.ownerUrl, targets, logDatabase: LOG })
  assert.deepEqual(await rightsOf('caudal_wallets', 'caudal_wallets'), rights)
})

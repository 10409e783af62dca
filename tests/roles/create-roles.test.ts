import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { ROLES, STATEFUL } from '@caudal/contracts/service-access.ts'
import type { LocalPostgres } from '@caudal/local-postgres/start-local-postgres.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { migrateServices, migrationTargets } from 'caudal/system/migrate-services.ts'
import pg from 'pg'
import { dataDirectory } from '../support/launch-system.ts'
import { ROOT } from '../support/root.ts'
import { runPsqlScript } from '../support/run-psql-script.ts'
import { startServer } from './start-server.ts'

const SCRIPT = join(ROOT, 'deploy/create-roles.sh')
const scope = suiteScope()
let server: LocalPostgres

before(async () => {
  server = await startServer(scope)
})

/** By psql where it is installed. */
async function createRoles(passwords: NodeJS.ProcessEnv): Promise<void> {
  const env = { PATH: process.env['PATH'], ...passwords }
  const { adminUrl } = server
  if (spawnSync('psql', ['--version']).status === 0) {
    const made = spawnSync('sh', [SCRIPT, adminUrl], { env, encoding: 'utf8' })
    assert.equal(made.status, 0, made.stderr)
    return
  }
  await runPsqlScript(SCRIPT, [adminUrl], { adminUrl, dir: await dataDirectory(scope), env })
}

async function connect(role: string, password: string, database: string): Promise<string> {
  const { host, port } = server
  const client = new pg.Client({ host, port, user: role, password, database })
  await client.connect()
  const { rows } = await client.query<{ role: string }>('SELECT current_user AS role')
  await client.end()
  return rows[0]!.role
}

const REFUSED = { code: '28P01' }
// A quote, a backslash, a dollar sign and a colon mean something in SQL, in psql or in a shell.
const ODD = String.raw`it's \$1 :x "y" %s`

test('F14: create-roles.sh makes the roles that "caudal migrate" needs, and changes passwords', async () => {
  const owner = { CAUDAL_OWNER_PASSWORD: 'first' }
  await createRoles({ ...owner, CAUDAL_PAYMENTS_DATABASE_PASSWORD: ODD })
  const ownerUrl = `postgres://caudal_owner:first@${server.host}:${server.port}/postgres`
  const targets = migrationTargets(STATEFUL, {})
  await migrateServices({ ownerUrl, targets, logDatabase: 'caudal_log' })
  assert.equal(await connect('caudal_payments', ODD, 'caudal_payments'), 'caudal_payments')
  const wallets = (password: string) => connect('caudal_wallets', password, 'caudal_wallets')
  await assert.rejects(wallets(''), 'a role without a password does not log in')

  await createRoles({ CAUDAL_WALLETS_DATABASE_PASSWORD: 'new' })
  assert.equal(await wallets('new'), 'caudal_wallets')
  await createRoles({ CAUDAL_WALLETS_DATABASE_PASSWORD: 'newer' })
  await assert.rejects(wallets('new'), REFUSED)
  assert.equal(await connect('caudal_payments', ODD, 'caudal_payments'), 'caudal_payments')
})

test('F14: the roles of create-roles.sh can do nothing else on the server', async () => {
  const client = new pg.Client(server.adminUrl)
  await client.connect()
  const { rows } = await client.query<{ role: string }>(
    `SELECT rolname AS role FROM pg_roles WHERE rolname = ANY($1::text[]) AND rolcanlogin
       AND NOT (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
       AND NOT EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid)`,
    [[...ROLES]],
  )
  await client.end()
  assert.deepEqual(rows.map(({ role }) => role).toSorted(), [...ROLES].toSorted())
})

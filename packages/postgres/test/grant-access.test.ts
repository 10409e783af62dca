import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { testDatabase, type TestScope } from '@caudal/testing/test-database.ts'
import { testServer } from '@caudal/testing/test-server.ts'
import pg from 'pg'
import { checkDatabase } from '../src/check-database.ts'
import { createPool } from '../src/create-pool.ts'
import { databaseUrl } from '../src/database-url.ts'
import { migrate } from '../src/migrate.ts'

const FIRST = `
  CREATE TABLE notes (note_id bigint, body text);
  CREATE FUNCTION count_notes() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM notes';
  GRANT SELECT, INSERT, UPDATE (body) ON notes TO caudal_app;`
const SECOND = `
  CREATE TABLE drafts (draft_id bigint);
  GRANT SELECT ON drafts TO caudal_app;`
/** The rights of the role in $1. */
const RIGHTS = `
  SELECT has_database_privilege($1, current_database(), 'CONNECT') AS connects,
    has_table_privilege($1, 'notes', 'INSERT') AS inserts,
    has_table_privilege($1, 'notes', 'UPDATE') AS updates,
    has_column_privilege($1, 'notes', 'body', 'UPDATE') AS updates_body,
    has_function_privilege($1, 'count_notes()', 'EXECUTE') AS counts,
    has_table_privilege($1, 'drafts', 'SELECT') AS reads_drafts`
const NOTHING = {
  connects: false,
  inserts: false,
  updates: false,
  updates_body: false,
  counts: false,
  reads_drafts: false,
}

/** A role that no service has; dropped with the scope, after the database. */
async function newRole(scope: TestScope, admin: pg.Client): Promise<string> {
  const role = `test_role_${randomBytes(4).toString('hex')}`
  await admin.query(`CREATE ROLE ${role} LOGIN`)
  scope.after(() => scope.after(() => scope.after(() => dropRole(role))))
  return role
}

async function dropRole(role: string): Promise<void> {
  const admin = new pg.Client({ connectionString: testServer().adminUrl })
  await admin.connect()
  await admin.query(`DROP ROLE ${role}`)
  await admin.end()
}

async function prepare(t: TestScope) {
  const dir = mkdtempSync(join(tmpdir(), 'migrations-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const { name: database, adminUrl } = await testDatabase(t, { sets: [] })
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  t.after(() => admin.end())
  const rightsOf = async (role: string) => (await admin.query<object>(RIGHTS, [role])).rows[0]
  const set = { name: 'notes', dir }
  const run = (roles: string[], withdraw: string[] = []) =>
    migrate({ adminUrl: testServer().ownerUrl, database, sets: [set], roles, withdraw })
  writeFileSync(join(dir, '0001_create_notes.sql'), FIRST)
  return { admin, database, set, rightsOf, run, role: await newRole(t, admin) }
}

test('a new role of a service gets what the one before has, which keeps it until it is withdrawn', async (t) => {
  const { run, role, set, rightsOf } = await prepare(t)
  await run(['caudal_app'])
  writeFileSync(join(set.dir, '0002_create_drafts.sql'), SECOND)
  await run([role])
  const all = { ...NOTHING, connects: true, inserts: true, updates_body: true, counts: true }
  assert.deepEqual(await rightsOf(role), { ...all, reads_drafts: true })
  assert.deepEqual(await rightsOf('caudal_app'), all)
  await run([role], ['caudal_app', 'no_such_role'])
  assert.deepEqual(await rightsOf('caudal_app'), NOTHING)
  assert.deepEqual(await rightsOf(role), { ...all, reads_drafts: true })
})

test('a role that an operator made keeps its rights, and no service gets them', async (t) => {
  const { run, role, set, admin, rightsOf } = await prepare(t)
  writeFileSync(join(set.dir, '0002_create_drafts.sql'), SECOND)
  await run(['caudal_app'])
  const foreign = await newRole(t, admin)
  await admin.query(`GRANT USAGE ON SCHEMA public TO ${foreign}`)
  await admin.query(`GRANT UPDATE, DELETE ON notes TO ${foreign}`)
  await run([role])
  await run([role])
  assert.deepEqual(await rightsOf(role), await rightsOf('caudal_app'))
  assert.deepEqual(await rightsOf(foreign), { ...NOTHING, updates: true, updates_body: true })
})

test("a withdrawn role may become the operator's own, and no service gets its rights", async (t) => {
  const { run, role, set, admin, rightsOf } = await prepare(t)
  writeFileSync(join(set.dir, '0002_create_drafts.sql'), SECOND)
  await run([role])
  await run(['caudal_app'], [role])
  await admin.query(`GRANT USAGE ON SCHEMA public TO ${role}`)
  await admin.query(`GRANT UPDATE, DELETE ON notes TO ${role}`)
  const next = await newRole(t, admin)
  await run([next])
  assert.deepEqual(await rightsOf(next), await rightsOf('caudal_app'))
})

test('a role that a service had, and has again, gets what came meanwhile', async (t) => {
  const { run, role, set, rightsOf } = await prepare(t)
  await run([role])
  writeFileSync(join(set.dir, '0002_create_drafts.sql'), SECOND)
  await run(['caudal_app'], [role])
  assert.deepEqual(await rightsOf(role), NOTHING)
  await run([role])
  assert.deepEqual(await rightsOf(role), await rightsOf('caudal_app'))
})

test('a service refuses a database without its migrations, and the role of the owner', async (t) => {
  const { run, role, set, database } = await prepare(t)
  const poolOf = (serverUrl: string) => {
    const url = databaseUrl(serverUrl, database)
    const pool = createPool({ url, applicationName: 'test', max: 1 })
    t.after(() => pool.end())
    return pool
  }
  const { appUrl, ownerUrl } = testServer()
  const warnings: string[] = []
  const needs = {
    sets: [set],
    refuseOwner: false,
    warn: (sentence: string) => void warnings.push(sentence),
  }
  await assert.rejects(checkDatabase(poolOf(appUrl), needs), /0001_create_notes.*caudal migrate/)
  await run(['caudal_app', role])
  await checkDatabase(poolOf(appUrl), { ...needs, refuseOwner: true })
  assert.deepEqual(warnings, [])
  await checkDatabase(poolOf(ownerUrl), needs)
  assert.match(warnings.join(), /caudal_owner may change everything/)
  const production = { ...needs, refuseOwner: true }
  await assert.rejects(checkDatabase(poolOf(ownerUrl), production), /caudal migrate --roles/)
  writeFileSync(join(set.dir, '0002_create_drafts.sql'), SECOND)
  await assert.rejects(checkDatabase(poolOf(appUrl), needs), /0002_create_drafts/)
})

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import { testServer } from '@caudal/testing/test-server.ts'
import { migrate } from '../src/migrate.ts'
import type { Db, Tx } from '../src/types.ts'

const CREATE = `
  CREATE TABLE notes (note_id bigint);
  CREATE TABLE drafts (note_id bigint);
  GRANT ALL ON notes, drafts TO caudal_app;`
const INDEX = `-- no transaction, so that writes go on
  DROP INDEX CONCURRENTLY IF EXISTS notes_by_id;
  CREATE UNIQUE INDEX CONCURRENTLY notes_by_id ON notes (note_id);`

/** A database whose migrations become more. */
interface Growing {
  db: Db
  add(name: string, text: string): void
  run(): Promise<void>
}

/** A database with two tables, and a folder of migrations that grows. */
async function growingDatabase(scope: TestScope): Promise<Growing> {
  const dir = mkdtempSync(join(tmpdir(), 'migrations-'))
  scope.after(() => rmSync(dir, { recursive: true }))
  const { name: database, pool: db } = await testDatabase(scope, { sets: [] })
  const add = (name: string, text: string): void => writeFileSync(join(dir, name), text)
  const sets = [{ name: 'notes', dir }]
  const adminUrl = testServer().ownerUrl
  const run = () => migrate({ adminUrl, database, sets, roles: ['caudal_app'] })
  add('0001_create_notes.sql', CREATE)
  await run()
  return { db, add, run }
}

/** A transaction that is left open for the work, and committed afterwards. */
async function whileOpen(db: Db, work: (tx: Tx) => Promise<void>): Promise<void> {
  const tx = await db.connect()
  try {
    await tx.query('BEGIN')
    await work(tx)
    await tx.query('COMMIT')
  } finally {
    tx.release()
  }
}

/** Resolves once a migration waits for the table's lock. */
async function awaitsLock(db: Db, table: string): Promise<void> {
  await eventually(async () => {
    const { rows } = await db.query(
      `SELECT FROM pg_locks WHERE relation = to_regclass($1) AND NOT granted
         AND mode = 'AccessExclusiveLock'
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      [table],
    )
    return rows.length > 0
  })
}

async function columnsOf(db: Db, table: string): Promise<string[]> {
  const { fields } = await db.query(`SELECT * FROM ${table}`)
  return fields.map(({ name }) => name)
}

test('writes go on while a migration cannot get the lock of a table', async (t) => {
  const { db, add, run } = await growingDatabase(t)
  add('0002_add_body.sql', 'ALTER TABLE notes ADD COLUMN body text;')
  let migrating: Promise<void> | undefined
  await whileOpen(db, async (tx) => {
    await tx.query('INSERT INTO notes VALUES (1)')
    migrating = run()
    await awaitsLock(db, 'notes')
    // It queues behind the migration, which gives its place up before the transaction ends.
    await db.query('INSERT INTO notes VALUES (2)')
    assert.deepEqual(await columnsOf(db, 'notes'), ['note_id'])
  })
  await migrating
  assert.deepEqual(await columnsOf(db, 'notes'), ['note_id', 'body'])
})

test('in a deadlock the migration fails and is repeated, not the batch', async (t) => {
  const { db, add, run } = await growingDatabase(t)
  add(
    '0002_add_bodies.sql',
    'ALTER TABLE drafts ADD COLUMN body text; ALTER TABLE notes ADD COLUMN body text;',
  )
  let migrating: Promise<void> | undefined
  await whileOpen(db, async (tx) => {
    await tx.query('INSERT INTO notes VALUES (1)')
    migrating = run()
    await awaitsLock(db, 'notes')
    await tx.query('INSERT INTO drafts VALUES (1)')
  })
  await migrating
  assert.deepEqual(await columnsOf(db, 'drafts'), ['note_id', 'body'])
  assert.deepEqual(await columnsOf(db, 'notes'), ['note_id', 'body'])
})

test('a file that fails is undone; those before it stay applied', async (t) => {
  const { db, add, run } = await growingDatabase(t)
  add('0002_add_body.sql', 'ALTER TABLE notes ADD COLUMN body text;')
  add('0003_fail.sql', 'ALTER TABLE drafts ADD COLUMN body text; SELECT 1 / 0;')
  await assert.rejects(run(), { code: '22012' })
  assert.deepEqual(await columnsOf(db, 'notes'), ['note_id', 'body'])
  assert.deepEqual(await columnsOf(db, 'drafts'), ['note_id'])
  add('0003_fail.sql', 'ALTER TABLE drafts ADD COLUMN body text;')
  await run()
  assert.deepEqual(await columnsOf(db, 'drafts'), ['note_id', 'body'])
})

test('an index is built while writes go on, and again after an attempt that failed', async (t) => {
  const { db, add, run } = await growingDatabase(t)
  await db.query('INSERT INTO notes VALUES (1), (1)')
  add('0002_index_notes.sql', INDEX)
  await assert.rejects(run(), { code: '23505' })
  const state = `SELECT indisvalid AS valid FROM pg_index
    WHERE indexrelid = to_regclass('notes_by_id')`
  assert.deepEqual((await db.query(state)).rows, [{ valid: false }])
  await db.query('TRUNCATE notes')
  let migrating: Promise<void> | undefined
  await whileOpen(db, async (tx) => {
    await tx.query('INSERT INTO notes VALUES (2)')
    migrating = run()
    await eventually(async () => {
      const { rows } = await db.query(`SELECT FROM pg_locks WHERE locktype = 'virtualxid'
        AND NOT granted`)
      return rows.length > 0
    })
    await db.query('INSERT INTO notes VALUES (3)')
  })
  await migrating
  assert.deepEqual((await db.query(state)).rows, [{ valid: true }])
})

test('processes that start together apply each file once, an index too', async (t) => {
  const { db, add, run } = await growingDatabase(t)
  add('0002_index_notes.sql', INDEX)
  add('0003_add_body.sql', 'ALTER TABLE notes ADD COLUMN body text;')
  await Promise.all([run(), run(), run()])
  assert.deepEqual(await columnsOf(db, 'notes'), ['note_id', 'body'])
})

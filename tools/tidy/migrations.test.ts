import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { CHECKSUMS, findChangedMigrations, RECORD, recordMigrations } from './migrations.ts'

const LANDED = { path: 'services/wallets/migrations/0001_create_ledger.sql', text: 'SELECT 1;\n' }
const ADDED = { path: 'packages/outbox/migrations/0002_add_index.sql', text: 'SELECT 2;\n' }

function listOf(...files: { path: string; text: string }[]) {
  const lines = files.map(
    ({ path, text }) => `${createHash('sha256').update(text).digest('hex')}  ${path}\n`,
  )
  return { path: CHECKSUMS, text: lines.join('') }
}

test('a migration that has landed is neither changed nor removed', () => {
  const list = listOf(LANDED)
  assert.deepEqual(findChangedMigrations([list, LANDED]), [])
  const changed = findChangedMigrations([list, { ...LANDED, text: 'SELECT 3;\n' }])
  assert.deepEqual(changed, [
    `${LANDED.path}: has landed and cannot be changed: write a new migration`,
  ])
  assert.deepEqual(findChangedMigrations([list]), [
    `${LANDED.path}: has landed and cannot be removed`,
  ])
})

test('a migration that is not in the list fails with the command that adds it', () => {
  const found = findChangedMigrations([listOf(LANDED), LANDED, ADDED])
  assert.deepEqual(found, [`${ADDED.path}: is not in ${CHECKSUMS}; add it by ${RECORD}`])
  assert.equal(findChangedMigrations([LANDED]).length, 1)
})

test('a set of migrations in a folder of its own is recorded too', () => {
  const path = 'packages/event-log/migrations/consumer/0001_create_consumer.sql'
  assert.equal(findChangedMigrations([{ path, text: 'SELECT 4;\n' }]).length, 1)
})

test('the command adds what is new, sorted by path, and nothing the second time', () => {
  const once = recordMigrations([listOf(LANDED), LANDED, ADDED])
  assert.equal(once, listOf(ADDED, LANDED).text)
  assert.equal(recordMigrations([{ path: CHECKSUMS, text: once }, LANDED, ADDED]), once)
})

test('the command refuses to change or remove a line', () => {
  const edited = { ...LANDED, text: 'SELECT 3;\n' }
  assert.throws(() => recordMigrations([listOf(LANDED), edited, ADDED]), /0001_create_ledger\.sql/)
  assert.throws(() => recordMigrations([listOf(LANDED), ADDED]), /0001_create_ledger\.sql/)
})

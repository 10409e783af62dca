import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { isUniqueViolation } from '@caudal/postgres/errors.ts'
import { sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import type { BoundKey } from '../src/bound-key.ts'
import { dropOldKeys } from '../src/drop-old-keys.ts'
import { insertKeys } from '../src/insert-keys.ts'
import { STANDARD_KEYS } from '../src/key-table.ts'
import { loadKeys, selectKeys } from '../src/load-keys.ts'
import { idempotencyMigrations } from '../src/migrations.ts'

const scope = suiteScope()
let db: Db

before(async () => {
  const sets = [idempotencyMigrations]
  db = (await testDatabase(scope, { sets, name: 'idempotency' })).pool
})

const bound = (idempotencyKey: string, more: Partial<BoundKey> = {}): BoundKey => ({
  tenantId: 'acme',
  principalId: 'shop',
  idempotencyKey,
  fingerprint: 'ab'.repeat(32),
  status: 202,
  body: '{"ñ":1}',
  resourceId: null,
  ...more,
})

test('F2: a bound key returns its answer only to its own tenant and principal', async () => {
  const resourceId = '00000000-0000-4000-8000-000000000001'
  const key = bound('own', { resourceId })
  await db.query(insertKeys(STANDARD_KEYS, [key, bound('other', { status: 409 })]))
  const { fingerprint, status, body } = key
  const loaded = await loadKeys(db, STANDARD_KEYS, [
    bound('unknown'),
    key,
    bound('own', { tenantId: 'globex' }),
    bound('own', { principalId: 'kiosk' }),
  ])
  const answer = { fingerprint, status, body, resourceId }
  assert.deepEqual(loaded, [undefined, answer, undefined, undefined])
  assert.deepEqual(await loadKeys(db, STANDARD_KEYS, []), [])
})

test('F2: a key is bound once: a second insert is rejected with its whole batch', async () => {
  await db.query(insertKeys(STANDARD_KEYS, [bound('once')]))
  const again = db.query(insertKeys(STANDARD_KEYS, [bound('neighbour'), bound('once')]))
  await assert.rejects(again, (error) => isUniqueViolation(error))
  assert.deepEqual(await loadKeys(db, STANDARD_KEYS, [bound('neighbour')]), [undefined])
})

test('a table without a resource column works, as a part of a larger statement too', async () => {
  const table = { ...STANDARD_KEYS, resource: null }
  const keys = [bound('plain'), bound('plain too', { status: 422 })]
  await db.query(insertKeys(table, keys, new Date()))
  const wanted = [bound('unbound'), ...keys]
  const { rows } = await db.query(sql`
    SELECT position, status, resource_id FROM (${selectKeys(table, wanted)}
    ) AS found ORDER BY position`)
  assert.deepEqual(rows, [
    { position: 2n, status: 202, resource_id: null },
    { position: 3n, status: 422, resource_id: null },
  ])
})

test('retention deletes keys older than configured, and none of the last 30 days', async () => {
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000)
  for (const days of [1, 29, 31, 61]) {
    await db.query(insertKeys(STANDARD_KEYS, [bound(`${days} days`)], daysAgo(days)))
  }
  const kept = async () =>
    (
      await loadKeys(
        db,
        STANDARD_KEYS,
        [1, 29, 31, 61].map((days) => bound(`${days} days`)),
      )
    ).map((answer) => answer !== undefined)
  assert.equal(await dropOldKeys(db, 60), 1)
  assert.deepEqual(await kept(), [true, true, true, false])
  assert.equal(await dropOldKeys(db, 0), 1)
  assert.deepEqual(await kept(), [true, true, false, false])
  await assert.rejects(db.query('DELETE FROM idempotency_keys'), { code: '42501' })
})

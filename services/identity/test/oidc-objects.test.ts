import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { identityMigrations } from '../src/migrations.ts'
import { createOidcAdapter, removeExpiredObjects } from '../src/store/oidc-objects.ts'

test("oidc-provider's objects are found by their names until they expire", async (t) => {
  const { pool } = await testDatabase(t, { sets: identityMigrations, name: 'oidc' })
  const codes = createOidcAdapter(pool, 'DeviceCode')
  await codes.upsert('one', { grantId: 'g', userCode: 'ABCD', uid: 'u' }, 60)
  await codes.upsert('old', { grantId: 'g', userCode: 'WXYZ' }, -1)

  assert.deepEqual(await codes.find('one'), { grantId: 'g', userCode: 'ABCD', uid: 'u' })
  assert.deepEqual(await codes.findByUserCode('ABCD'), await codes.find('one'))
  assert.deepEqual(await codes.findByUid('u'), await codes.find('one'))
  assert.equal(await codes.find('old'), undefined)
  assert.equal(await codes.findByUserCode('WXYZ'), undefined)
  assert.equal(await createOidcAdapter(pool, 'Session').find('one'), undefined)

  await removeExpiredObjects(pool)
  assert.equal((await pool.query('SELECT FROM oidc_objects')).rowCount, 1)

  await codes.consume('one')
  const consumed = (await codes.find('one')) as { consumed?: number }
  assert.ok(Math.abs(consumed.consumed! - Date.now() / 1_000) < 60)
  await codes.revokeByGrantId('g')
  assert.equal(await codes.find('one'), undefined)
  await codes.upsert('two', {}, undefined)
  assert.deepEqual(await codes.find('two'), {})
  await codes.destroy('two')
  assert.equal(await codes.find('two'), undefined)
})

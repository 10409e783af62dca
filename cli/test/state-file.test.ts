import assert from 'node:assert/strict'
import { cp, mkdtemp, rename, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readSystemState, writeSystemState } from '../src/system/state-file.ts'

test('a copied data directory does not lead commands to the original system', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'caudal-test-state-'))
  t.after(() => rm(folder, { recursive: true }))
  const original = await mkdtemp(join(folder, 'a-'))
  const urls = { gateway_url: null, console_url: null, psp_url: null, push_url: null }
  await writeSystemState({
    ...urls,
    pid: process.pid,
    host: hostname(),
    data_dir: original,
    services: {},
    operations: {},
    database_url: '',
    client: { id: '', secret: '' },
  })
  const copy = join(folder, 'b')
  await cp(original, copy, { recursive: true })
  assert.equal(await readSystemState(copy), undefined)
  assert.equal((await readSystemState(original))?.data_dir, original)
  await rm(copy, { recursive: true })
  await rename(original, copy)
  assert.equal(
    (await readSystemState(copy))?.data_dir,
    original,
    'a renamed one is the same system',
  )
})

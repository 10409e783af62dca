import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { CLI } from './run-cli.ts'

test('a command whose reader is gone ends quietly, as in "caudal --help | head -1"', async () => {
  const child = spawn(process.execPath, [CLI, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  assert.deepEqual([code, stderr], [0, ''])
})

test('a command keeps its exit code when its errors are not read', async () => {
  const child = spawn(process.execPath, [CLI, 'nonsense'], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stderr.destroy()
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  assert.deepEqual([code, stdout], [2, ''])
})

test('a result that could not be written is reported and is no success', async (t) => {
  if (process.platform !== 'linux') return t.skip('needs /dev/full of Linux')
  const full = await open('/dev/full', 'w')
  t.after(() => full.close())
  const child = spawn(process.execPath, [CLI, '--help'], { stdio: ['ignore', full.fd, 'pipe'] })
  const [stderr, [code]] = await Promise.all([text(child.stderr!), once(child, 'exit')])
  assert.match(stderr, /^caudal: could not write the output: ENOSPC[^\n]*\n$/)
  assert.equal(code, 3)
})

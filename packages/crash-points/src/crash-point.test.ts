import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'

const PROGRAM = `
  import { crashPoint } from ${JSON.stringify(new URL('crash-point.ts', import.meta.url).href)}
  for (let round = 1; round <= 3; round += 1) {
    crashPoint('before', 'facts')
    crashPoint('after', () => ['payments.results', 'psp.facts'])
  }
  console.log('survived')`

/** Reaches three points three times in a process with these variables. */
function run(t: TestContext, env: NodeJS.ProcessEnv) {
  const folder = mkdtempSync(join(tmpdir(), 'caudal-test-crash-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'reached')
  const { signal, stdout } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', PROGRAM],
    { env: { CAUDAL_CRASH_LOG: file, ...env }, encoding: 'utf8' },
  )
  return { signal, stdout, reached: () => readFileSync(file, 'utf8').trim().split('\n') }
}

test('a process dies at the nth hit of its crash point, which it records before', (t) => {
  const { signal, stdout, reached } = run(t, { CAUDAL_CRASH_POINT: 'psp.facts.after:2' })
  assert.equal(signal, 'SIGKILL')
  assert.equal(stdout, '')
  const passed = ['facts.before', 'payments.results.after', 'psp.facts.after']
  assert.deepEqual(reached(), [...passed, 'killed psp.facts.after'])
})

test('a process without a crash point records which points it reaches, each once', (t) => {
  const { signal, stdout, reached } = run(t, {})
  assert.deepEqual([signal, stdout], [null, 'survived\n'])
  assert.deepEqual(reached(), ['facts.before', 'payments.results.after', 'psp.facts.after'])
})

test('crash points have no effect in production', (t) => {
  const env = { NODE_ENV: 'production', CAUDAL_CRASH_POINT: 'facts.before' }
  const { signal, stdout, reached } = run(t, env)
  assert.deepEqual([signal, stdout], [null, 'survived\n'])
  assert.throws(reached, { code: 'ENOENT' })
})

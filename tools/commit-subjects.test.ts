import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { BASE_FILE, findLongSubjects } from './commit-subjects.ts'
import { commit, git } from './commits-for-tests.ts'

function makeFolder(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'caudal-commits-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  return root
}

function recordBase(root: string, base: string): void {
  mkdirSync(dirname(join(root, BASE_FILE)), { recursive: true })
  writeFileSync(join(root, BASE_FILE), `${base}\n`)
}

test('a subject of 73 characters behind the base is found, one of 72 is not', (t) => {
  const root = makeFolder(t)
  git(root, 'init', '--quiet')
  recordBase(root, commit(root, 'x'.repeat(90)))
  commit(root, 'ñ'.repeat(72))
  assert.deepEqual(findLongSubjects(root), { mistakes: [] })
  const long = commit(root, 'x'.repeat(73))
  const { mistakes } = findLongSubjects(root)
  assert.equal(mistakes.length, 1)
  const [mistake = ''] = mistakes
  assert.ok(long.startsWith(mistake.split(':', 1)[0] ?? 'none'), mistake)
  assert.match(mistake, /the subject has 73 characters, at most 72: x{73}$/)
})

test('a long body under a short subject is fine', (t) => {
  const root = makeFolder(t)
  git(root, 'init', '--quiet')
  recordBase(root, commit(root, 'first'))
  commit(root, `short\n\n${'x'.repeat(200)}`)
  assert.deepEqual(findLongSubjects(root).mistakes, [])
})

test('without a history, a base or the commit of the base nothing is looked at', (t) => {
  const root = makeFolder(t)
  assert.match(findLongSubjects(root).skipped ?? '', /is missing/)
  recordBase(root, '0'.repeat(40))
  assert.match(findLongSubjects(root).skipped ?? '', /has no history/)
  git(root, 'init', '--quiet')
  commit(root, 'x'.repeat(90))
  assert.match(findLongSubjects(root).skipped ?? '', /has no commit 0{40}/)
  assert.deepEqual(findLongSubjects(root).mistakes, [])
})

test('a shallow clone that lacks the base is left alone', (t) => {
  const origin = makeFolder(t)
  git(origin, 'init', '--quiet')
  const base = commit(origin, 'first')
  commit(origin, 'x'.repeat(90))
  const root = join(makeFolder(t), 'clone')
  git(origin, 'clone', '--quiet', '--depth=1', `file://${origin}`, root)
  recordBase(root, base)
  assert.match(findLongSubjects(root).skipped ?? '', /has no commit/)
})

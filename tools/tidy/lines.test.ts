import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findBareDisables, findLongLines, findMachinePaths, findOpenEnds } from './lines.ts'

function file(text: string, path = 'services/wallets/src/main.ts') {
  return [{ path, text }]
}

test('a line of 101 characters is found with its number, one of 100 is not', () => {
  assert.deepEqual(findLongLines(file(`\n${'x'.repeat(101)}\n`)), [
    'services/wallets/src/main.ts:2: lines end by column 100',
  ])
  assert.deepEqual(findLongLines(file('x'.repeat(100))), [])
})

test('a long line is allowed in prose and where nothing can be broken', () => {
  assert.deepEqual(findLongLines(file('x'.repeat(200), 'README.md')), [])
  assert.deepEqual(findLongLines(file(`// https://example.com/${'x'.repeat(100)}`)), [])
  assert.deepEqual(findLongLines(file(`  test('${'x'.repeat(100)}', async (t) => {`)), [])
})

test('a path of one machine is found, a path of an address or a package is not', () => {
  for (const folder of ['work', 'root', 'home/ada', 'Users/ada']) {
    assert.equal(findMachinePaths(file(`cd /${folder}/caudal`, 'README.md')).length, 1, folder)
  }
  assert.deepEqual(findMachinePaths(file('see https://example.com/work/ and ./root/x')), [])
})

test('an open end is found in code', () => {
  const marks = [['TO', 'DO'].join(''), ['FIX', 'ME'].join('')]
  for (const mark of marks) assert.equal(findOpenEnds(file(`// ${mark}: later`)).length, 1, mark)
  assert.deepEqual(findOpenEnds(file(`Leave no ${marks[0]} behind.`, 'CONTRIBUTING.md')), [])
})

test('a rule is switched off with a reason only', () => {
  const off = ['// oxlint', 'disable-next-line no-console'].join('-')
  assert.equal(findBareDisables(file(off)).length, 1)
  assert.deepEqual(findBareDisables(file(`${off} -- the command prints its answer`)), [])
})

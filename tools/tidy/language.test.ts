import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findVagueTexts, findVagueTitles } from './language.ts'

const at = (text: string, path = 'services/wallets/src/book.ts') => [{ path, text }]

test('a text of the product with a vague word is found, with its line', () => {
  for (const text of [
    "'the request says 5'",
    '"nobody asked"',
    '`it tells ${name}`',
    "'Told so'",
    "'what was given back'",
    "'the consumer hears of it'",
  ]) {
    const found = findVagueTexts(at(`\nconst detail = ${text}`))
    assert.match(found.join(), /^services\/wallets\/src\/book\.ts:2: write who does what/, text)
  }
  assert.equal(findVagueTexts(at("const a = 'whoever'", 'tools/reference/page.ts')).length, 1)
})

test('names, comments, longer words and texts of tests are no vague texts', () => {
  const fine = ['const says = 1', "// it says 'so'", "const a = 'foretold, essays'"]
  for (const text of fine) assert.deepEqual(findVagueTexts(at(text)), [], text)
  const inTest = at("const url = 'postgres://nobody@host'", 'services/wallets/src/book.test.ts')
  assert.deepEqual(findVagueTexts(inTest), [])
})

test('a vague title of a test or a suite is found in every form of quotes', () => {
  for (const call of [
    "test('the answer says no',",
    "  await t.test(\n    'somebody pays',",
    "it('is told',",
    'describe("an account\'s tales, told",',
    'test(`${name}: tells all`,',
  ]) {
    const found = findVagueTitles(at(`\n${call}`, 'services/wallets/test/book.test.ts'))
    assert.match(found.join(), /book\.test\.ts:[23]: write who does what, instead of "/, call)
  }
})

test('other arguments, other calls and plain titles are no vague titles', () => {
  for (const call of ["test('it pays', () => 'nobody')", "ask('nobody')", "retest.says('told')"]) {
    assert.deepEqual(findVagueTitles(at(call)), [], call)
  }
})

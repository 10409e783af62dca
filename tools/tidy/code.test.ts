import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  findHandNumberedParameters,
  findHardCodedScopes,
  findMisnamedErrors,
  findUndocumentedExports,
} from './code.ts'

function file(text: string, path = 'services/wallets/src/book.ts') {
  return [{ path, text }]
}

test('an exported function, class or arrow function without a docstring is found', () => {
  const bare = [
    'export function book(): void {}',
    'export async function book(): Promise<void> {}',
    'export function* book(): Generator {}',
    'export class Book {}',
    'export const book = () => 1',
    'export const book = async (a: number): Promise<number> => a',
    'export const book: Book = (\n  a,\n  b,\n) => a',
    'export const book = <T>(a: T): T => a',
    '// not a docstring\nexport function book(): void {}',
  ]
  for (const text of bare) assert.equal(findUndocumentedExports(file(text)).length, 1, text)
})

test('documented exports, values, types, tests and what is not exported are left alone', () => {
  const fine = [
    '/** Books. */\nexport function book(): void {}',
    '/**\n * Books.\n */\nexport const book = () => 1',
    '/** Books. */\n// oxlint-disable-next-line x -- y\nexport function book(): void {}',
    '/** Books. */\nexport function book(a: 1): 1\nexport function book(a: 2): 2',
    'export const LIMIT = 5\nconst inner = () => 1',
    'export const LIMIT = (1 + 2) * 3\n',
    'export interface Book {}\nexport type Page = () => void',
    'function book(): void {}',
  ]
  for (const text of fine) assert.deepEqual(findUndocumentedExports(file(text)), [], text)
  const bare = 'export function book(): void {}'
  for (const path of ['services/wallets/src/book.test.ts', 'services/wallets/test/book.ts']) {
    assert.deepEqual(findUndocumentedExports(file(bare, path)), [], path)
  }
})

test('a parameter that is numbered by hand is found from the tenth on', () => {
  const [nine, ten] = [9, 10].map((number) => `$${number}`)
  assert.equal(findHandNumberedParameters(file(`VALUES (${nine}, ${ten})`)).length, 1)
  assert.deepEqual(findHandNumberedParameters(file(`VALUES (${nine})`)), [])
  assert.deepEqual(findHandNumberedParameters(file(`costs ${ten}`, 'README.md')), [])
})

test('an error that is logged under another name is found, with its line', () => {
  const calls = [
    "logger.warn({ error }, 'could not book')",
    "logger.error({ error: cause, id }, 'x')",
    "deps.logger.info({ id, nested: { a: [1, 2] }, error }, 'x')",
    "log.fatal({\n  id: idOf('a, b'),\n  error,\n}, 'x')",
  ]
  for (const call of calls) {
    assert.deepEqual(findMisnamedErrors(file(`\n${call}`)), [
      'services/wallets/src/book.ts:2: an error is logged as err',
    ])
  }
})

test('members of other names, deeper members and texts are no misnamed errors', () => {
  const calls = [
    "logger.warn({ err: error }, 'x')",
    "logger.warn({ error_class: 'x', answer: { error } }, 'x')",
    "// logger.warn({ error }, 'x')",
    "const example = 'logger.warn({ error })'",
    'logger.warn(`{ error }`)',
  ]
  for (const call of calls) assert.deepEqual(findMisnamedErrors(file(call)), [], call)
})

const SCOPES = {
  path: 'packages/contracts/src/scopes.ts',
  text: "export const SCOPES = { writeLedger: 'ledger:write', readLedger: 'ledger:read' } as const",
}

test('a scope that is written outside the list is found, alone or among others', () => {
  const sources = ["'ledger:write'", '"ledger:write"', '`ledger:write`', "'x ledger:write'"]
  for (const source of sources) {
    const found = findHardCodedScopes([SCOPES, ...file(`const scope = ${source}`)])
    assert.equal(found.length, 1, source)
    assert.match(found[0] ?? '', /book\.ts:1: name ledger:write by SCOPES/)
  }
  const inside = file('const text = `a ${f({ a: `ledger:read` })} b`')
  assert.equal(findHardCodedScopes([SCOPES, ...inside]).length, 1)
})

test('comments, tests, other words and names of members are no hard-coded scopes', () => {
  const fine = [
    '// needs `ledger:write`',
    "/* 'ledger:write' */ const a = 1",
    "const module = 'node:test'",
    "const longer = 'my-ledger:write'",
    'const pattern = /["\'`]ledger:write/',
    'const scope = SCOPES.writeLedger',
  ]
  for (const text of fine) assert.deepEqual(findHardCodedScopes([SCOPES, ...file(text)]), [], text)
  const inTest = file("const a = 'ledger:write'", 'services/wallets/src/book.test.ts')
  assert.deepEqual(findHardCodedScopes([SCOPES, ...inTest]), [])
})

test('a list of scopes that is missing or empty is a mistake', () => {
  assert.equal(findHardCodedScopes([]).length, 1)
  assert.equal(findHardCodedScopes([{ ...SCOPES, text: 'export const SCOPES = {}' }]).length, 1)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findErrorDrift, findLostPaths, findUnshownPromises } from './documents.ts'

const CODE = { path: 'services/wallets/src/process-batch.ts', text: '' }

function architecture(text: string) {
  return [CODE, { path: 'ARCHITECTURE.md', text }]
}

test('a path that does not exist is found in prose, links and blocks', () => {
  const lost = [
    'Read `services/wallets/src/gone.ts` first.',
    'Read [the spine](services/wallets/src/gone.ts) first.',
    '```\nservices/wallets/src/gone.ts   the spine\n```\n',
    'Each service has a `src/gone.ts`.',
    'They live in `services/ledger`.',
  ]
  for (const text of lost) assert.equal(findLostPaths(architecture(text)).length, 1, text)
})

test('paths that exist, patterns, topics and addresses are left alone', () => {
  const text =
    '`services/wallets/src/process-batch.ts`, `services/*/src/process-batch.ts`, `src/`, ' +
    '`services/<name>/`, `process-batch.ts`, `wallets.funds.reserved`, `/healthz`, ' +
    '`application/problem+json`, [spec](https://example.com/a/b.md), [below](#below)\n' +
    '```\nservices/wallets/   owns the money\n```\n'
  assert.deepEqual(findLostPaths(architecture(text)), [])
})

test('a missing ARCHITECTURE.md is a mistake', () => {
  assert.deepEqual(findLostPaths([CODE]), ['ARCHITECTURE.md is missing'])
})

function errors(code: string, documented: string) {
  return [
    { path: 'packages/contracts/src/error-codes.ts', text: `{\n  ${code}, title: 'x' },\n}` },
    { path: 'docs/reference/errors.md', text: `| Code | Status |\n|---|---|\n${documented}\n` },
  ]
}

test('an undocumented code, an invented one and a wrong status are found', () => {
  const code = 'FORBIDDEN: { status: 403'
  assert.equal(findErrorDrift(errors(code, '')).length, 1)
  assert.equal(findErrorDrift(errors('', '| `FORBIDDEN` | 403 | x |')).length, 1)
  assert.equal(findErrorDrift(errors(code, '| `FORBIDDEN` | 401 | x |')).length, 2)
  assert.deepEqual(findErrorDrift(errors(code, '| `FORBIDDEN` | 403 | x |')), [])
})

const SHOWN = { path: 'tests/e2e/pay.test.ts', text: "test('P5: a decline is final')" }

function promises(row: string) {
  return [SHOWN, { path: 'docs/promises.md', text: `| id | promise | shown by |\n${row}\n` }]
}

test('a promise without a test, with a lost test or one that does not name it is found', () => {
  const wrong = [
    '| P5 | A decline is final. | |',
    '| P5 | A decline is final. | `tests/e2e/gone.test.ts` |',
    '| P6 | One message. | `tests/e2e/pay.test.ts` |',
    '',
  ]
  for (const row of wrong) assert.equal(findUnshownPromises(promises(row)).length, 1, row)
})

test('a promise is shown by code marks or by links', () => {
  const right = [
    '| P5 | A decline is final. | `tests/e2e/pay.test.ts` |',
    '| P5 | A decline is final. | [pay](../tests/e2e/pay.test.ts) |',
  ]
  for (const row of right) assert.deepEqual(findUnshownPromises(promises(row)), [])
})

test('a rule of the core is shown like a promise', () => {
  const row = '| rule 1 | A refused move raises. | `tests/e2e/pay.test.ts` |'
  assert.equal(findUnshownPromises(promises(row)).length, 1)
  const files = promises(row).map((file) =>
    file === SHOWN ? { ...file, text: "test('rule 1: …')" } : file,
  )
  assert.deepEqual(findUnshownPromises(files), [])
})

test('an id is not named by a longer one', () => {
  const files = promises('| P1 | The gateway is the only way in. | `tests/e2e/pay.test.ts` |')
  const longer = files.map((file) => (file === SHOWN ? { ...file, text: 'P15' } : file))
  assert.equal(findUnshownPromises(longer).length, 1)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  findBarrels,
  findLooseFiles,
  findMigrationRepeats,
  findOddNames,
  findVagueFolders,
} from './names.ts'

function named(...paths: string[]): { path: string; text: string }[] {
  return paths.map((path) => ({ path, text: '' }))
}

test('a barrel is found, a file that only ends like one is not', () => {
  const found = findBarrels(named('packages/money/src/index.ts', 'packages/money/src/reindex.ts'))
  assert.equal(found.length, 1)
  assert.match(found[0] ?? '', /^packages\/money\/src\/index\.ts: /)
})

test('a folder called after nothing is found at any depth', () => {
  assert.equal(findVagueFolders(named('services/wallets/src/utils/add.ts')).length, 1)
  assert.equal(findVagueFolders(named('packages/common/src/add.ts')).length, 1)
  assert.deepEqual(findVagueFolders(named('packages/postgres/src/types.ts')), [])
})

test('a file beside the folders of a service is found, unless it composes or is the spine', () => {
  const loose = named('services/identity/src/create-users.ts', 'services/a/src/book.test.ts')
  assert.equal(findLooseFiles(loose).length, loose.length)
  const fine = [
    'services/identity/src/main.ts',
    'services/identity/src/config.test.ts',
    'services/identity/src/process-batch.ts',
    'services/identity/src/users/create-users.ts',
    'services/identity/test/start-test-identity.ts',
    'packages/money/src/parse-amount.ts',
  ]
  assert.deepEqual(findLooseFiles(named(...fine)), [])
})

test('camel case and snake case are found in files and folders of code', () => {
  const odd = ['tools/runTests.ts', 'tools/run_tests.ts', 'tools/runTests/run.ts']
  assert.equal(findOddNames(named(...odd)).length, odd.length)
  assert.deepEqual(findOddNames(named('tools/run-tests.test.ts', '.ci/run.js', 'CHANGELOG.md')), [])
})

test('a number that is there twice, a missing first and a misnamed migration are found', () => {
  const folder = 'services/wallets/migrations'
  const first = `${folder}/0001_create_ledger.sql`
  assert.equal(findMigrationRepeats(named(`${folder}/0003_add_outbox.sql`)).length, 1)
  assert.equal(findMigrationRepeats(named(first, `${folder}/0001_add_outbox.sql`)).length, 1)
  assert.equal(findMigrationRepeats(named(first, `${folder}/add-outbox.sql`)).length, 1)
  assert.deepEqual(findMigrationRepeats(named(first, `${folder}/0003_add_outbox.sql`)), [])
})

test('each folder of migrations counts for itself', () => {
  const paths = [
    'services/a/migrations/0001_x.sql',
    'packages/b/migrations/one/0001_y.sql',
    'packages/b/migrations/two/0001_y.sql',
  ]
  assert.deepEqual(findMigrationRepeats(named(...paths)), [])
})

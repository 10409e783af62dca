// Rules of the core (docs/promises.md) that hold for the text of the whole repository.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linesOf, readTree, type SourceFile } from './tidy/source-tree.ts'

const files = readTree(process.cwd())

const DOMAIN = /^services\/[^/]+\/src\/(?:[^/]+\/)?domain\/(?!.*\.test\.ts$)/
const SOURCE = /^(?:packages|services|simulators|cli)\/.*\.(?:ts|js|sql)$/
const MIGRATION = /^(?:packages|services|simulators)\/.*\/migrations\/.*\.sql$/

/** What SQL functions there may be: each moves sets or keeps house, none decides anything. */
const SQL_FUNCTIONS = [
  'append_records',
  'create_ledger_partitions',
  'detach_ledger_partition',
  'drop_old_idempotency_keys',
  'move_payments',
  'refuse_append',
  'require_that',
  'rotate_outbox',
]

test('rule 13: domain folders know neither clock nor chance', () => {
  const impure = /\bnew Date\(\)|\bDate\.now\b|\bMath\.random\b|\brandomUUID\b|\bnewId\b/
  assert.deepEqual(find(DOMAIN, impure), [])
  assert.ok(impure.test('const at = new Date()'))
  const domains = files.filter(({ path }) => DOMAIN.test(path))
  for (const folder of ['services/payments/src/domain/', 'services/wallets/src/ledger/domain/']) {
    assert.ok(
      domains.some(({ path }) => path.startsWith(folder)),
      folder,
    )
  }
})

test('rule 14: SQL functions move sets and decide nothing; there are no triggers', () => {
  const migrations = files.filter(({ path }) => MIGRATION.test(path) && !/\/test\//.test(path))
  const defined = migrations.flatMap(({ text }) =>
    [...text.matchAll(/\bCREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE)\s+(\w+)/gi)].map(
      ([, name = '']) => name,
    ),
  )
  assert.deepEqual([...new Set(defined)].toSorted(), SQL_FUNCTIONS)
  assert.deepEqual(find(MIGRATION, /\bCREATE (?:OR REPLACE )?(?:CONSTRAINT )?TRIGGER\b/i), [])
})

test('rule 15: nothing switches off fsync, full_page_writes or synchronous_commit', () => {
  const off = /\b(?:fsync|full_page_writes|synchronous_commit)\b['"]?\s*(?:=|:|TO\b)\s*['"]?(\w+)/i
  const set = (line: string): boolean => !['on', undefined].includes(off.exec(line)?.[1])
  assert.ok(set('SET LOCAL synchronous_commit = off'))
  assert.ok(set("fsync: 'off',"))
  const code = files.filter(
    ({ path }) => /\.(?:ts|js|sql|json|ya?ml|sh)$/.test(path) && !isThis(path),
  )
  const lines = code.flatMap((file) => placesIn(file, set))
  assert.deepEqual(lines, [])
  assert.deepEqual(find(SOURCE, /\bUNLOGGED\b/), [])
})

test('rule 17: there is one HTTP server and one parser of bodies', () => {
  const makers = find(SOURCE, /\b(?:fastify|Fastify)\(/).map((place) => place.split(':')[0])
  assert.deepEqual(makers, ['packages/http/src/create-server.ts'])
})

function find(paths: RegExp, wanted: RegExp): string[] {
  return files
    .filter(({ path }) => paths.test(path))
    .flatMap((file) => placesIn(file, (line) => wanted.test(line)))
}

function placesIn(file: SourceFile, isWanted: (line: string) => boolean): string[] {
  return linesOf(file)
    .filter(({ line }) => isWanted(line))
    .map(({ number }) => `${file.path}:${number}`)
}

function isThis(path: string): boolean {
  return path === 'tools/core-rules.test.ts'
}

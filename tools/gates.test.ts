// Each gate passes over a small clean tree and fails over the same tree with its known-bad files.
import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { BASE_FILE } from './commit-subjects.ts'
import { commit, git } from './commits-for-tests.ts'
import { GATES, runGate, type Verdict } from './gates.ts'

const REPOSITORY = join(import.meta.dirname, '..')
const FIXTURES = join(import.meta.dirname, 'fixtures')
const SETTINGS = ['.oxfmtrc.json', '.oxlintrc.json', 'knip.json', 'tsconfig.json']

/** The packages of tools/fixtures/clean, by their name in @caudal. */
const WORKSPACES = {
  contracts: 'packages/contracts',
  money: 'packages/money',
  payments: 'services/payments',
  'psp-simulator': 'simulators/psp',
  wallets: 'services/wallets',
}

/** What each gate has to name when it refuses its fixture. */
const COMPLAINTS: Record<string, string[]> = {
  format: ['badly-formatted.ts'],
  types: ['wrong-type.ts', 'TS2322'],
  unused: ['subtractAmounts', 'forgotten-file.ts', 'uuid'],
  tidy: [
    'packages/money/src/utils/index.ts: import each file by its own name',
    'services/wallets/src/without-docstring.ts: put the file into the folder of its slice',
    'docs/guides/lost-citation.md:3: cites ../design.md, which does not exist',
    'services/wallets/src/without-docstring.ts:1: say in a docstring',
    'services/wallets/src/two/places.ts: exports Places, and so does ',
    'services/wallets/src/hard-coded-scope.ts:2: name ledger:write by SCOPES',
    'services/wallets/src/misnamed-error.ts:5: an error is logged as err',
    'services/wallets/src/hand-numbered.ts:2: number these parameters by sql',
    'services/wallets/migrations/0001_create_ledger.sql: has landed and cannot be changed',
    'services/wallets/migrations/0002_unrecorded.sql: is not in tools/migrations.sha256',
  ],
}

/** A copy of the clean tree under the repository's own settings, with a gate's bad files on top. */
async function makeTree(t: TestContext, badFiles?: string): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'caudal-gate-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  for (const name of SETTINGS) await cp(join(REPOSITORY, name), join(root, name))
  await cp(join(FIXTURES, 'clean'), root, { recursive: true })
  if (badFiles !== undefined) await cp(join(FIXTURES, badFiles), root, { recursive: true })
  await linkPackages(root)
  return root
}

/** Installs what the repository has installed, except that the workspaces are the tree's own. */
async function linkPackages(root: string): Promise<void> {
  const [installed, packages] = [join(REPOSITORY, 'node_modules'), join(root, 'node_modules')]
  await mkdir(join(packages, '@caudal'), { recursive: true })
  for (const name of await readdir(installed)) {
    if (name.startsWith('.') || name === '@caudal' || name === 'caudal') continue
    await symlink(join(installed, name), join(packages, name), 'junction')
  }
  for (const [name, folder] of Object.entries(WORKSPACES)) {
    await symlink(join(root, folder), join(packages, '@caudal', name), 'junction')
  }
}

async function judge(t: TestContext, name: string, badFiles?: string): Promise<Verdict> {
  const gate = GATES.find((each) => each.name === name)
  assert.ok(gate, `there is no gate ${name}`)
  return runGate(gate, await makeTree(t, badFiles))
}

for (const { name } of GATES) {
  test(`the gate ${name} passes a clean tree`, async (t) => {
    const { passed, output } = await judge(t, name)
    assert.ok(passed, output)
  })
}

for (const [name, complaints] of Object.entries(COMPLAINTS)) {
  test(`the gate ${name} refuses its known-bad files`, async (t) => {
    const { passed, output } = await judge(t, name, name)
    assert.equal(passed, false, `${name} let its fixture pass:\n${output}`)
    for (const complaint of complaints) assert.ok(output.includes(complaint), output)
  })
}

test('the gate lint refuses each known-bad file for the reason its first line gives', async (t) => {
  const gate = GATES.find(({ name }) => name === 'lint')
  assert.ok(gate)
  const root = await makeTree(t, 'lint')
  const { passed, output } = await runGate({ ...gate, args: ['--format', 'json'] }, root)
  assert.equal(passed, false, 'lint let its fixture pass')
  assert.deepEqual(reasonsOf(output), await expectedReasons(join(FIXTURES, 'lint')))
})

test('the gate commits refuses a long subject', async (t) => {
  const gate = GATES.find(({ name }) => name === 'commits')
  assert.ok(gate)
  const root = await makeTree(t)
  git(root, 'init', '--quiet')
  await writeFile(join(root, BASE_FILE), `${commit(root, 'The base')}\n`)
  commit(root, 'x'.repeat(73))
  const { passed, output } = await runGate(gate, root)
  assert.equal(passed, false, output)
  assert.match(output, /the subject has 73 characters, at most 72/)
})

test('every gate is shown to fail', () => {
  const proved = [...Object.keys(COMPLAINTS), 'lint', 'commits'].toSorted()
  assert.deepEqual(proved, GATES.map(({ name }) => name).toSorted())
})

/** Path → the rules that oxlint reported there. */
function reasonsOf(output: string): Record<string, string[]> {
  const report = JSON.parse(output) as { diagnostics: { code: string; filename: string }[] }
  const reasons = new Map<string, Set<string>>()
  for (const { code, filename } of report.diagnostics) {
    reasons.set(filename, (reasons.get(filename) ?? new Set()).add(code))
  }
  return sorted([...reasons].map(([path, codes]) => [path, [...codes].toSorted()]))
}

/** Path → the rules named by `// refused: …` in the first line of each fixture file. */
async function expectedReasons(folder: string): Promise<Record<string, string[]>> {
  const paths = await readdir(folder, { recursive: true })
  const files = paths.filter((path) => path.endsWith('.ts'))
  const expected = files.map(async (path): Promise<[string, string[]]> => {
    const [first = ''] = (await readFile(join(folder, path), 'utf8')).split('\n')
    assert.match(first, /^\/\/ refused: /, path)
    return [path, first.replace('// refused: ', '').split(' ').toSorted()]
  })
  return sorted(await Promise.all(expected))
}

function sorted(entries: [string, string[]][]): Record<string, string[]> {
  return Object.fromEntries(entries.toSorted(([left], [right]) => (left < right ? -1 : 1)))
}

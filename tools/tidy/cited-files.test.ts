import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findLostCitations } from './cited-files.ts'

const CODE = { path: 'services/wallets/src/store/lock-ledger.ts', text: '' }
const GUIDE = { path: 'docs/guides/ledger.md', text: '' }

function lostIn(path: string, text: string): string[] {
  return findLostCitations([CODE, GUIDE, { path, text }])
}

test('a document that is not in the repository is found in comments and prose', () => {
  const plan = ['inter', 'faces.md'].join('')
  const cited = [
    ['packages/http/src/a.ts', `// The form of ${plan}.`],
    ['packages/http/src/a.ts', `/**\n * Refuses what is malformed (${plan}).\n */`],
    ['packages/http/src/a.ts', `const a = 1 // see ${plan}`],
    ['bench/query.sql', `SELECT 1 -- see ${plan}`],
    ['deploy/a.yaml', `# see ${plan}`],
    ['docs/a.md', `As \`${plan}\` says.`],
    ['docs/a.md', `As ${plan} says.`],
    ['docs/a.md', `As docs/${plan} says.`],
  ] as const
  for (const [path, text] of cited) assert.equal(lostIn(path, text).length, 1, text)
})

test('a lost path and a lost relative link are found with their line', () => {
  assert.deepEqual(lostIn('docs/adr/a.md', 'One.\n\n[guide](../guides/gone.md#start)'), [
    'docs/adr/a.md:3: cites ../guides/gone.md, which does not exist',
  ])
  assert.equal(lostIn('README.md', 'Read `services/wallets/src/gone.ts`.').length, 1)
  assert.equal(lostIn('README.md', 'Read `store/*-gone.ts`.').length, 1)
})

test('files that exist, patterns, examples, addresses and strings are left alone', () => {
  const right = [
    ['docs/adr/a.md', '[guide](../guides/ledger.md#start), [site](https://a.dev/b.md), [here](#x)'],
    ['docs/adr/a.md', '`store/lock-ledger.ts`, `lock-ledger.ts`, `services/*/src/store/`'],
    ['docs/adr/a.md', '`store/<name>.ts`, `*.test.ts`, [services](../../services)'],
    ['docs/adr/a.md', '```sh\nnode made-up.js\n```'],
    ['packages/http/src/a.ts', "// docs/guides/ledger.md\nconst path = 'made-up.ts'"],
    ['packages/http/src/a.ts', '// Node.js, https://a.dev/made-up.md, @scope/package/file.ts'],
    ['services/wallets/migrations/0001_a.sql', '-- as moved.ts did'],
  ] as const
  for (const [path, text] of right) assert.deepEqual(lostIn(path, text), [], text)
})

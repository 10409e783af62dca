// `npm run record-release -- 0.2.0`: records the schemas of a release when it is made, and its
// commit, the current one, in releases.json. A later change of a shape is compared with the schemas
// (packages/contracts/test/released-schemas.test.ts), and data of the commit is upgraded by a test
// (tests/upgrade/upgrade-from-releases.test.ts).
import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { CATALOGUE } from '@caudal/contracts/catalogue.ts'
import type { EventRow } from '@caudal/contracts/event-row.ts'
import { jsonSchemaOf } from '@caudal/contracts/json-schema.ts'

const [release = ''] = process.argv.slice(2)
if (!/^\d+\.\d+\.\d+$/.test(release)) throw new Error('usage: npm run record-release -- X.Y.Z')
const events = Object.entries<EventRow>(CATALOGUE)
  .toSorted(([one], [other]) => (one < other ? -1 : 1))
  .map(([type, row]) => [type, { schema_version: row.version, schema: jsonSchemaOf(type, row) }])
const file = new URL(`../packages/contracts/released/${release}.json`, import.meta.url)
const record = { release, events: Object.fromEntries(events) as object }
// A recorded release is never changed: `wx` fails where the file exists.
await writeFile(file, `${JSON.stringify(record, null, 2)}\n`, { flag: 'wx' })

const list = new URL('../releases.json', import.meta.url)
const commit = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim()
const releases = JSON.parse(await readFile(list, 'utf8')) as { version: string; commit: string }[]
const rows = [...releases, { version: release, commit }].map(
  (row) => `  { "version": "${row.version}", "commit": "${row.commit}" }`,
)
await writeFile(list, `[\n${rows.join(',\n')}\n]\n`)

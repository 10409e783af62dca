import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SERVICES } from '@caudal/contracts/services.ts'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { allDocuments } from './reference/all-documents.ts'
import { SCHEMAS_FOLDER } from './reference/event-schemas.ts'
import { SERVICE_ROUTES } from './reference/service-routes.ts'

const ROOT = join(import.meta.dirname, '..')
const DOCUMENTS = await allDocuments()

test('the generated reference is up to date (npm run reference)', () => {
  for (const { path, text } of DOCUMENTS) {
    assert.ok(readFileSync(join(ROOT, path), 'utf8') === text, `${path} is out of date`)
  }
})

test('there is a schema for each type of event and no other', () => {
  const generated = DOCUMENTS.map(({ path }) => path)
    .filter((path) => path.startsWith(SCHEMAS_FOLDER))
    .map((path) => path.slice(SCHEMAS_FOLDER.length + 1))
  assert.deepEqual(readdirSync(join(ROOT, SCHEMAS_FOLDER)).toSorted(), generated.toSorted())
})

test('each schema of an event is a valid JSON Schema', () => {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictTypes: false })
  for (const { path, text } of DOCUMENTS) {
    if (path.startsWith(SCHEMAS_FOLDER)) ajv.compile(JSON.parse(text) as object)
  }
})

test('each reference of the AsyncAPI document has its target', () => {
  const { text } = DOCUMENTS.find(({ path }) => path.endsWith('asyncapi.json'))!
  const document = JSON.parse(text) as object
  const references = [...text.matchAll(/"\$ref": "([^"]+)"/g)].map(([, target]) => target!)
  assert.ok(references.length > 0)
  for (const reference of references) {
    if (reference.startsWith('#/')) assert.ok(at(document, reference.slice(2)), reference)
    else readFileSync(join(ROOT, 'docs/reference', reference))
  }
})

test('the HTTP reference has every service, and all routes that its main.ts adds', () => {
  const described = new Map(SERVICE_ROUTES.map(({ service, add }) => [service, String(add)]))
  assert.deepEqual([...described.keys()].toSorted(), [...SERVICES].toSorted())
  for (const [service, calls] of described) {
    const main = readFileSync(join(ROOT, 'services', service, 'src/main.ts'), 'utf8')
    const added = [...main.matchAll(/(?<!function )\b(\w+)\(app, /g)].map(([, name]) => name!)
    const imported = added.filter(
      (name) => !main.includes(`function ${name}(`) && name !== 'listen',
    )
    assert.ok(imported.length > 0, `${service} adds routes`)
    for (const name of imported) assert.match(calls, new RegExp(`\\b${name}\\(`), service)
  }
})

function at(document: object, pointer: string): unknown {
  return pointer
    .split('/')
    .reduce(
      (node: unknown, name) => (node as Record<string, unknown> | undefined)?.[name],
      document,
    )
}

// The catalogue names who must understand an event, and older releases skip it by that (ADR 0014).
import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CATALOGUE, findRow } from '@caudal/contracts/catalogue.ts'

const ROOT = join(import.meta.dirname, '..')
const FILES = globSync('services/*/src/**/*handlers.ts', { cwd: ROOT })

/** Handlers by type, or a function that makes them of the service's settings. */
type Exported = Record<string, object | ((settings: object) => object)>

/** The services that handle each type, by the handlers that they declare. */
async function declaredConsumers(): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  for (const file of FILES.toSorted()) {
    const service = file.split(/[\\/]/)[1]!
    const exported = (await import(join(ROOT, file))) as Exported
    for (const [name, value] of Object.entries(exported)) {
      if (!/handlers$/i.test(name)) continue
      const handlers = typeof value === 'function' ? value({}) : value
      for (const type of Object.keys(handlers)) {
        found.set(type, [...(found.get(type) ?? []), service])
      }
    }
  }
  return found
}

test('the consumers of each event in the catalogue are the services that handle it', async () => {
  const declared = await declaredConsumers()
  assert.ok(declared.size > 5, 'the handlers are found')
  for (const type of declared.keys()) assert.ok(findRow(type), `${type} is not in the catalogue`)
  for (const [type, { consumers }] of Object.entries(CATALOGUE)) {
    assert.deepEqual(declared.get(type)?.toSorted() ?? [], consumers.toSorted(), type)
  }
})

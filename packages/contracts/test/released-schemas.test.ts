import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { CATALOGUE } from '../src/catalogue.ts'
import type { EventRow } from '../src/event-row.ts'
import { type JsonSchema, jsonSchemaOf } from '../src/json-schema.ts'
import { parseEvent } from '../src/parse-event.ts'
import { exampleOf } from './example-of.ts'
import { partsOf, schemaChange, versionCovers } from './schema-change.ts'

type Released = { schema_version: string; schema: JsonSchema }
type Release = { release: string; events: Record<string, Released> }

const FOLDER = join(import.meta.dirname, '../released')
const ROWS = Object.entries<EventRow>(CATALOGUE)
/** Oldest first. */
const RELEASES = readdirSync(FOLDER)
  .map((file) => JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Release)
  .toSorted((one, other) => (versionCovers('patch', one.release, other.release) ? -1 : 1))

/** What is wrong with the version of a row, compared with the last release that had the type. */
function versionProblem(type: string, row: EventRow): string | undefined {
  const last = RELEASES.findLast(({ events }) => events[type] !== undefined)?.events[type]
  if (last === undefined) return undefined
  const change = schemaChange(last.schema, jsonSchemaOf(type, row))
  if (versionCovers(change, last.schema_version, row.version)) return undefined
  return `${type}: a ${change} change of ${last.schema_version} cannot be ${row.version}`
}

test('a shape that differs from the last released one has a higher schema_version', () => {
  const problems = ROWS.flatMap(([type, row]) => versionProblem(type, row) ?? [])
  assert.deepEqual(problems, [])
})

test('every minor version since 1.0 has an upcast', () => {
  for (const [type, { version, upcasts }] of ROWS) {
    const [major, minor] = partsOf(version)
    assert.equal(major, 1, type)
    assert.equal(upcasts.length, minor, `${type} ${version}`)
  }
})

/**
 * What is wrong with the `since` of a row: by it a record of a type that an older release does not
 * know gets the header by which that release may skip it.
 */
function sinceProblem(type: string, { since }: EventRow): string | undefined {
  const first = RELEASES.find(({ events }) => events[type] !== undefined)?.release
  if (first !== undefined) {
    return since === first ? undefined : `${type}: since ${since}, but release ${first} has it`
  }
  const last = RELEASES.at(-1)!.release
  if (versionCovers('patch', last, since)) return undefined
  return `${type}: since ${since}, but release ${last} does not have it`
}

test('a type is since the first release that has it, a new type since a later one than all', () => {
  assert.deepEqual(
    ROWS.flatMap(([type, row]) => sinceProblem(type, row) ?? []),
    [],
  )
})

test('a planted wrong `since` is reported', () => {
  const row: EventRow = CATALOGUE['wallet.credit.committed']
  const problem = (type: string, since: string) => sinceProblem(type, { ...row, since })
  const { release } = RELEASES.at(-1)!
  assert.match(problem('wallet.bonus.committed', release)!, /does not have it/)
  assert.equal(problem('wallet.bonus.committed', '99.0.0'), undefined)
  assert.match(problem('wallet.credit.committed', '99.0.0')!, /has it$/)
})

test('a released type of event is never removed', () => {
  const known = new Set(ROWS.map(([type]) => type))
  const removed = RELEASES.flatMap(({ events }) => Object.keys(events)).filter(
    (type) => !known.has(type),
  )
  assert.deepEqual(removed, [])
})

for (const { release, events } of RELEASES.slice(-2)) {
  test(`every event that release ${release} wrote can be read`, () => {
    for (const { schema_version, schema } of Object.values(events)) {
      fc.assert(
        fc.property(exampleOf(schema), (example) => {
          const value = JSON.stringify({ ...(example as object), schema_version })
          const parsed = parseEvent(value)
          assert.equal(parsed.kind, 'event', `${'cause' in parsed && parsed.cause}: ${value}`)
        }),
        { numRuns: 40 },
      )
    }
  })
}

/** A row of this release with its schema as JSON, to plant changes in. */
function planted(change: (schema: JsonSchema) => void, version: EventRow['version']): EventRow {
  const row: EventRow = CATALOGUE['user.created']
  const schema = jsonSchemaOf('user.created', row)
  change(schema)
  return { ...row, schema, version }
}

const optionalMember = (schema: JsonSchema): void => {
  schema.properties!['nickname'] = { type: 'string' }
}
const nestedOptionalMember = (schema: JsonSchema): void => {
  schema.properties!['accounts']!.items!.properties!['label'] = { type: 'string' }
}
const requiredMember = (schema: JsonSchema): void => {
  optionalMember(schema)
  schema.required!.push('nickname')
}
const removedMember = (schema: JsonSchema): void => {
  delete schema.properties!['wallet_id']
}
const narrowerMember = (schema: JsonSchema): void => {
  schema.properties!['region']!.maxLength = 5
}

test('the comparison finds planted changes of a schema', () => {
  const before = jsonSchemaOf('user.created', CATALOGUE['user.created'])
  const changeOf = (change: (schema: JsonSchema) => void) =>
    schemaChange(before, planted(change, '1.1.0').schema as JsonSchema)
  assert.equal(
    changeOf(() => {}),
    'none',
  )
  assert.equal(changeOf(optionalMember), 'patch')
  assert.equal(changeOf(nestedOptionalMember), 'patch')
  for (const change of [requiredMember, removedMember, narrowerMember]) {
    assert.equal(changeOf(change), 'minor')
  }
})

test('a planted change without a higher version is reported', () => {
  const problem = (change: (schema: JsonSchema) => void, version: EventRow['version']) =>
    versionProblem('user.created', planted(change, version))
  assert.match(problem(requiredMember, '1.0.0')!, /a minor change of 1\.0\.0 cannot be 1\.0\.0/)
  assert.match(problem(requiredMember, '1.0.4')!, /cannot be 1\.0\.4/)
  assert.equal(problem(requiredMember, '1.1.0'), undefined)
  assert.equal(problem(requiredMember, '2.0.0'), undefined)
  assert.ok(versionCovers('patch', '1.0.0', '1.0.1'))
  assert.ok(!versionCovers('patch', '1.0.1', '1.0.1'))
  assert.ok(!versionCovers('none', '1.0.1', '1.0.0'))
})

const version = (from: (row: EventRow) => [number, number, number]) => (row: EventRow) =>
  from(row).join('.')
const above = fc.integer({ min: 1, max: 50 })
const anyNumber = fc.nat(50)

test('whatever a later release writes is never unreadable', () => {
  const anyJson = fc.dictionary(fc.string(), fc.jsonValue())
  const step = fc.oneof(
    fc.tuple(above, anyNumber, anyNumber).map(([major, minor, patch]) => ({
      always: true,
      of: version((row) => [partsOf(row.version)[0]! + major, minor, patch]),
    })),
    fc.tuple(above, anyNumber).map(([minor, patch]) => ({
      always: true,
      of: version((row) => [partsOf(row.version)[0]!, partsOf(row.version)[1]! + minor, patch]),
    })),
    above.map((patch) => ({
      always: false,
      of: version((row) => {
        const [major, minor, known] = partsOf(row.version) as [number, number, number]
        return [major, minor, known + patch]
      }),
    })),
  )
  fc.assert(
    fc.property(fc.constantFrom(...ROWS), step, anyJson, ([type, row], later, members) => {
      const event = { ...members, event_type: type, schema_version: later.of(row) }
      const { kind } = parseEvent(JSON.stringify(event))
      assert.ok(later.always ? kind === 'newer' : kind !== 'unreadable', kind)
    }),
    { numRuns: 500 },
  )
})

test('an event of an unknown type is of a later release, whatever its other members', () => {
  const known = new Set(ROWS.map(([type]) => type))
  const type = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString'))
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), type, (members, event_type) => {
      fc.pre(!known.has(event_type))
      assert.equal(parseEvent(JSON.stringify({ ...members, event_type })).kind, 'newer')
    }),
    { numRuns: 300 },
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import {
  childTraceparent,
  newTraceparent,
  parseTraceparent,
  traceIdOf,
  traceparentNamed,
} from './trace-context.ts'

const VALID = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

test('P13: new trace contexts are well formed and unique', () => {
  const made = Array.from({ length: 1_000 }, newTraceparent)
  assert.equal(new Set(made.map(traceIdOf)).size, 1_000)
  for (const value of made) assert.equal(parseTraceparent(value), value)
})

test('a child has the same trace id and sampling decision and a new span id', () => {
  const parent = VALID.replace(/01$/, '00')
  const child = childTraceparent(parent)
  assert.equal(traceIdOf(child), '4bf92f3577b34da6a3ce929d0e0e4736')
  assert.match(child, /^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-00$/)
  assert.notEqual(child, parent)
})

test('malformed trace contexts are refused', () => {
  const refused = [
    undefined,
    '',
    VALID.toUpperCase(),
    VALID.slice(1),
    `${VALID}-more`,
    `${VALID} `,
    VALID.replace('4bf92f3577b34da6a3ce929d0e0e4736', '0'.repeat(32)),
    VALID.replace('00f067aa0ba902b7', '0'.repeat(16)),
    `ff${VALID.slice(2)}`,
    `01${VALID.slice(2)}${'-x'.repeat(200)}`,
  ]
  for (const value of refused) assert.equal(parseTraceparent(value), null, String(value))
})

test('a later version is parsed as version 00', () => {
  assert.equal(parseTraceparent(`cc${VALID.slice(2)}-what-is-new`), VALID)
  assert.equal(parseTraceparent(`cc${VALID.slice(2, -2)}ff`), VALID)
})

test('any text is either refused or parsed to a context that parses to itself', () => {
  const hex = fc.constantFrom(...'0123456789abcdefF-'.split(''))
  fc.assert(
    fc.property(fc.array(hex, { minLength: 50, maxLength: 60 }), (characters) => {
      const parsed = parseTraceparent(characters.join(''))
      if (parsed !== null) assert.equal(parseTraceparent(parsed), parsed)
    }),
  )
})

test('F1: an X-Trace-Id that is a valid trace id is used as the trace id', () => {
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  assert.match(traceparentNamed(traceId)!, /^00-4bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/)
})

test('F1: any other X-Trace-Id gives the first 16 bytes of its SHA-256 as the trace id', () => {
  const digests = {
    tr_a1b2: '961f63d9b61dc7f2a99f0448561c980c',
    ['0'.repeat(32)]: '84e0c0eafaa95a34c293f278ac52e45c',
    ['4BF92F3577B34DA6A3CE929D0E0E4736']: '95ba3c1395fdf906c6df0522fc20f447',
  }
  for (const [name, digest] of Object.entries(digests)) {
    assert.equal(traceIdOf(traceparentNamed(name)!), digest)
  }
})

test('F1: equal X-Trace-Id values give equal trace ids, and different ones different ids', () => {
  const visible = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code))
  const names = fc.string({ unit: visible, minLength: 1, maxLength: 128 })
  fc.assert(
    fc.property(names, names, (one, other) => {
      const [first, again] = [traceparentNamed(one)!, traceparentNamed(one)!]
      assert.equal(parseTraceparent(first), first)
      assert.notEqual(first, again)
      assert.equal(traceIdOf(first), traceIdOf(again))
      assert.equal(traceIdOf(first) === traceIdOf(traceparentNamed(other)!), one === other)
    }),
  )
})

test('F1: an invalid X-Trace-Id gives no trace', () => {
  for (const name of ['', 'x'.repeat(129), 'two words', 'tab\t', 'ñ', 'line\n', '\u007f']) {
    assert.equal(traceparentNamed(name), null, JSON.stringify(name))
  }
})

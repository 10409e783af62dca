import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { MAX_JSON_DEPTH, parseStrictJson, StrictJsonError } from './parse-strict-json.ts'

const parse = (text: string, integers: 'number' | 'bigint' = 'number'): unknown =>
  parseStrictJson(Buffer.from(text), { integers })

function refused(text: string | Buffer, reason: RegExp, integers?: 'bigint'): void {
  const body = typeof text === 'string' ? Buffer.from(text) : text
  assert.throws(
    () => parseStrictJson(body, integers === undefined ? {} : { integers }),
    (error) => error instanceof StrictJsonError && reason.test(error.message),
    JSON.stringify(text).slice(0, 80),
  )
}

// Documents as others may write them: escapes and blanks where the grammar allows them.
const document = fc.jsonValue({ maxDepth: 8, noUnicodeString: false }).filter((value) => {
  const text = JSON.stringify(value)
  return !text.includes('__proto__') && !/\\ud[89a-f]/i.test(text)
})

test('rule 17: every valid document is parsed as by JSON.parse', () => {
  fc.assert(
    fc.property(document, fc.integer({ min: 0, max: 3 }), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      if (hasInexactNumber(value)) refused(text, /2\^53/)
      else assert.deepEqual(parse(text), JSON.parse(text))
    }),
    { numRuns: 500 },
  )
})

test('rule 17: every document that JSON.parse refuses is refused', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"',
    '\\',
    'a',
    '1',
    '-',
    '.',
    ' ',
    'e',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 20 }), (parts) => {
      const text = parts.join('')
      let expected: unknown
      try {
        expected = JSON.parse(text)
      } catch {
        refused(text, /./)
        return
      }
      try {
        assert.deepEqual(parse(text), expected)
      } catch (error) {
        // Stricter than the grammar in two ways that these pieces can produce.
        assert.match(String(error), /duplicate members|beyond 2\^53/)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('rule 17: duplicate members are refused at every level and in every spelling', () => {
  refused('{"a":1,"a":1}', /duplicate/)
  refused('{"a":1,"\\u0061":2}', /duplicate/)
  refused('[{"x":{"b":[{"a":{},"a":{}}]}}]', /duplicate/)
  refused('{"":1,"":2}', /duplicate/)
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.integer(), { minKeys: 1 }), (members) => {
      const [name] = Object.keys(members)
      const text = JSON.stringify(members)
      refused(`${text.slice(0, -1)},${JSON.stringify(name)}:0}`, /duplicate|__proto__|surrogate/)
    }),
  )
})

test('the same name in different objects is no duplicate, nor is a colon in a text', () => {
  assert.deepEqual(parse('{"a":{"a":1},"b":[{"a":1},{"a":1}]}'), {
    a: { a: 1 },
    b: [{ a: 1 }, { a: 1 }],
  })
  assert.deepEqual(parse('{"a":"\\":\\\\","b":":{["}'), { a: '":\\', b: ':{[' })
})

test('rule 17: invalid UTF-8 and halves of surrogate pairs are refused', () => {
  refused(Buffer.from([0x22, 0xff, 0x22]), /UTF-8/)
  refused(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), /UTF-8/)
  refused(Buffer.from([0x22, 0xc0, 0xaf, 0x22]), /UTF-8/)
  refused('"\\ud800"', /surrogate/)
  refused('{"\\udc00":1}', /surrogate/)
  refused('["\\udc00\\ud800"]', /surrogate/)
  assert.equal(parse('"\\ud83d\\ude00"'), '😀')
})

test('rule 17: nesting beyond 32 levels is refused, and 100,000 brackets quickly', () => {
  parse(nested(MAX_JSON_DEPTH))
  refused(nested(MAX_JSON_DEPTH + 1), /deeper/)
  const started = performance.now()
  refused('['.repeat(100_000), /deeper/)
  refused('{"a":'.repeat(100_000), /deeper/)
  assert.ok(performance.now() - started < 500)
  parse(`[${'[],'.repeat(1_000)}"${'['.repeat(100)}"]`)
})

test('a member named __proto__ is refused', () => {
  refused('{"__proto__":{"admin":true}}', /__proto__/)
  refused('[{"a":{"\\u005f_proto__":1}}]', /__proto__/)
  assert.equal(({} as { admin?: boolean }).admin, undefined)
})

test('rule 17: numbers that would lose digits are refused', () => {
  assert.equal(parse('9007199254740991'), Number.MAX_SAFE_INTEGER)
  refused('9007199254740992', /2\^53/)
  refused('{"a":[-9007199254740993]}', /2\^53/)
  refused('1e400', /2\^53/)
})

test('F1: with bigints, integers are exact up to 64 bits in both directions', () => {
  assert.deepEqual(
    parse('{"a":9223372036854775807,"b":-9223372036854775808,"c":1.5,"d":0}', 'bigint'),
    {
      a: 9223372036854775807n,
      b: -9223372036854775808n,
      c: 1.5,
      d: 0n,
    },
  )
  refused('{"a":9223372036854775808}', /64 bits/, 'bigint')
  refused('{"a":-9223372036854775809}', /64 bits/, 'bigint')
  refused(`[1${'0'.repeat(15_000)}]`, /64 bits/, 'bigint')
  refused('{"a":1,"a":1}', /duplicate/, 'bigint')
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      assert.equal(parse(value.toString(), 'bigint'), value)
    }),
  )
})

test('F1: with bigints, only numbers written as integers become bigints', () => {
  const read = (text: string) => parseStrictJson(Buffer.from(text), { integers: 'bigint' })
  assert.deepEqual(read('[0,-0,-7,[12],{"a":999999999999999}]'), [
    0n,
    0n,
    -7n,
    [12n],
    { a: 999_999_999_999_999n },
  ])
  for (const text of ['[1,2.0]', '[1,2e0]', '[1,2E0]', '{"a":1,"b":[true,2.0]}']) {
    assert.deepEqual(
      JSON.stringify(read(text), (_, value: unknown) => (typeof value === 'bigint' ? 'n' : value)),
      text.replace('1', '"n"').replace(/2[.eE]0/, '2'),
    )
  }
})

test('F1: exact integers are read beside other numbers as a reviver would read them', () => {
  const member = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))
  const value = fc.oneof(document, fc.array(member), fc.dictionary(fc.string(), member))
  const revive = (_name: string, it: unknown, context?: { source?: string }): unknown =>
    typeof it === 'number' && /^-?\d+$/.test(context!.source!) ? BigInt(context!.source!) : it
  fc.assert(
    fc.property(value, fc.integer({ min: 0, max: 3 }), (inner, indent) => {
      // The fraction makes the parser read the text of each number.
      const text = JSON.stringify([1.5, inner], null, indent)
      if (text.includes('__proto__') || hasInexactNumber(inner)) return
      assert.deepEqual(parse(text, 'bigint'), JSON.parse(text, revive))
    }),
    { numRuns: 500 },
  )
})

test('a document of more values than the limit is refused before it is parsed', () => {
  const limited = (text: string) => parseStrictJson(Buffer.from(text), { maxValues: 10 })
  assert.deepEqual(limited('[1,2,3,4,5,6,7,8,"a,b,c"]'), [1, 2, 3, 4, 5, 6, 7, 8, 'a,b,c'])
  for (const text of ['[1,2,3,4,5,6,7,8,9,10]', `[${'{},'.repeat(9)}{}]`, '['.repeat(11)]) {
    assert.throws(() => limited(text), /more values than the 10/)
  }
})

test('empty bodies, byte order marks and words are refused without quoting them', () => {
  for (const text of ['', ' ', '\ufeff{}', 'secret words', '{"a":1}x', "{'a':1}", '01', 'NaN']) {
    refused(text, /^the body is not valid JSON$/)
  }
})

function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth)
}

function hasInexactNumber(value: unknown): boolean {
  if (typeof value === 'number') return Math.abs(value) > Number.MAX_SAFE_INTEGER
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).some(hasInexactNumber)
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Type } from 'typebox'
import { cursorReader, cutPage, encodeCursor } from './page.ts'
import { Problem } from './problem.ts'

const Position = Type.Object({ at: Type.String(), id: Type.String({ format: 'uuid' }) })

test('a cursor reads back as what was encoded', () => {
  const read = cursorReader(Position)
  fc.assert(
    fc.property(fc.string(), fc.uuid(), (at, id) => {
      assert.deepEqual(read(encodeCursor({ at, id })), { at, id })
    }),
  )
})

test('an invalid cursor is a malformed request', () => {
  const read = cursorReader(Position)
  const good = encodeCursor({ at: 'now', id: '0190b2a4-0000-7000-8000-000000000001' })
  const junk = [
    '',
    'x',
    '%%%',
    `${good}!`,
    `${good}=`,
    ` ${good}`,
    encodeCursor(null),
    encodeCursor({ at: 1 }),
    encodeCursor('a'),
  ]
  for (const cursor of junk) {
    assert.throws(
      () => read(cursor),
      (error) => error instanceof Problem && error.code === 'MALFORMED_REQUEST',
      cursor,
    )
  }
})

test('pages of any size together contain each item once, in order', () => {
  const sizes = fc.integer({ min: 1, max: 10 })
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 40 }), sizes, (count, limit) => {
      const rows = Array.from({ length: count }, (_, index) => index)
      const read = cursorReader(Type.Integer())
      const collected: number[] = []
      let from = 0
      for (;;) {
        const page = cutPage(rows.slice(from, from + limit + 1), {
          limit,
          positionOf: (row) => row + 1,
          show: (row) => row,
        })
        collected.push(...page.data)
        assert.equal(page.has_more, page.next_cursor !== null)
        if (page.next_cursor === null) break
        from = read(page.next_cursor)
      }
      assert.deepEqual(collected, rows)
    }),
  )
})

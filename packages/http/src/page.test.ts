import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { cutPage } from './page.ts'

test('pages of any size together contain each item once, in order', () => {
  const sizes = fc.integer({ min: 1, max: 10 })
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 40 }), sizes, (count, limit) => {
      const rows = Array.from({ length: count }, (_, index) => index)
      const collected: number[] = []
      let from = 0
      for (;;) {
        const page = cutPage(rows.slice(from, from + limit + 1), {
          limit,
          cursorAfter: (row) => String(row + 1),
          show: (row) => row,
        })
        collected.push(...page.data)
        assert.equal(page.has_more, page.next_cursor !== null)
        if (page.next_cursor === null) break
        from = Number(page.next_cursor)
      }
      assert.deepEqual(collected, rows)
    }),
  )
})

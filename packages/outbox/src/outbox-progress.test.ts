import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { advance, closable, type OutboxProgress } from './outbox-progress.ts'

const start: OutboxProgress = { publishedTo: 0, gaps: [] }
const gapsOf = ({ gaps }: OutboxProgress): [number, number][] =>
  gaps.map(({ first, last }) => [first, last])

test('ids without a hole leave no gap', () => {
  assert.deepEqual(advance(start, [1, 2, 3], 0), { publishedTo: 3, gaps: [] })
})

test('ids that are jumped over become gaps, late ones split them', () => {
  const jumped = advance(start, [3, 8], 0)
  assert.deepEqual(gapsOf(jumped), [[1, 2], [4, 7]]) // prettier-ignore
  assert.deepEqual(gapsOf(advance(jumped, [5], 0)), [[1, 2], [4, 4], [6, 7]]) // prettier-ignore
  assert.deepEqual(gapsOf(advance(jumped, [1, 2, 4, 7, 9], 0)), [[5, 6]])
})

test('a gap is closable when every open transaction began after it was found', () => {
  const { gaps } = advance(start, [3], 100)
  assert.equal(closable(gaps, 100).length, 0)
  assert.equal(closable(gaps, 101).length, 1)
})

test('rule 5: whatever the order of commits, each id is published or in a gap, never both', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 9 })),
      (commits) => {
        const committed = new Set<number>()
        const published = new Set<number>()
        let progress = start
        for (const commit of commits) {
          for (const id of commit) if (!published.has(id)) committed.add(id)
          const visible = [...committed]
            .filter((id) => !published.has(id))
            .toSorted((a, b) => a - b)
          const found = visible.filter(
            (id) =>
              id > progress.publishedTo ||
              progress.gaps.some(({ first, last }) => id >= first && id <= last),
          )
          assert.deepEqual(found, visible, 'nothing that is visible is skipped')
          for (const id of found) published.add(id)
          progress = advance(progress, found, 0)
        }
        for (let id = 1; id <= progress.publishedTo; id += 1) {
          const inGaps = progress.gaps.filter(({ first, last }) => id >= first && id <= last).length
          assert.equal(inGaps, published.has(id) ? 0 : 1)
        }
      },
    ),
  )
})

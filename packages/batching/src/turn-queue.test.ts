import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { createTurnQueue, type TurnQueue } from './turn-queue.ts'

type Work = { turn: string; number: number; size: number }

function add(queue: TurnQueue<Work>, turn: string, sizes: readonly number[]): void {
  for (const [number, size] of sizes.entries()) queue.add(turn, { turn, number, size }, size)
}

/** Items by turn. */
function itemsOf(batch: readonly Work[]): Record<string, number> {
  const items: Record<string, number> = {}
  for (const { turn, size } of batch) items[turn] = (items[turn] ?? 0) + size
  return items
}

const sum = (sizes: readonly number[]): number => sizes.reduce((all, size) => all + size, 0)

test('single items do not wait for as many groups of another turn', () => {
  const queue = createTurnQueue<Work>()
  add(
    queue,
    'groups',
    Array.from({ length: 20 }, () => 500),
  )
  add(
    queue,
    'singles',
    Array.from({ length: 20 }, () => 1),
  )
  const batches = Array.from({ length: 3 }, () => itemsOf(queue.take(500)))
  assert.deepEqual(batches, [{ groups: 500 }, { singles: 20 }, { groups: 500 }])
})

test('turns with groups and with single items are served as many items', () => {
  const queue = createTurnQueue<Work>()
  add(
    queue,
    'groups',
    Array.from({ length: 20 }, () => 100),
  )
  add(
    queue,
    'singles',
    Array.from({ length: 2_000 }, () => 1),
  )
  const served = itemsOf(Array.from({ length: 4 }, () => queue.take(500)).flat())
  assert.deepEqual(served, { groups: 1_000, singles: 1_000 })
})

test('a group that does not fit lets others pass once and leaves with the next batch', () => {
  const queue = createTurnQueue<Work>()
  add(
    queue,
    'singles',
    Array.from({ length: 30 }, () => 1),
  )
  add(queue, 'group', [10])
  const batches = Array.from({ length: 4 }, () => itemsOf(queue.take(10)))
  assert.deepEqual(batches, [{ singles: 10 }, { group: 10 }, { singles: 10 }, { singles: 10 }])
})

test('of turns that always wait none is served more than a batch and a group ahead', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 })
  const turns = fc.array(sizes, { minLength: 2, maxLength: 4 })
  fc.assert(
    fc.property(turns, fc.integer({ min: 1, max: 20 }), (patterns, maxBatch) => {
      const queue = createTurnQueue<Work>()
      const most = maxBatch + Math.max(...patterns.flat())
      const served = patterns.map(() => 0)
      for (let batch = 0; batch < 60; batch += 1) {
        for (const [index, pattern] of patterns.entries()) {
          while (queue.sizeOf(String(index)) <= 2 * most) add(queue, String(index), pattern)
        }
        const taken = queue.take(maxBatch)
        assert.ok(taken.length === 1 || sum(taken.map(({ size }) => size)) <= maxBatch)
        for (const { turn, size } of taken) served[Number(turn)]! += size
        const ahead = Math.max(...served) - Math.min(...served)
        assert.ok(ahead <= most, `${ahead} items ahead after batch ${batch}`)
      }
    }),
    { numRuns: 500 },
  )
})

test('whatever is added is taken once, within a turn in order, and none of it waits for ever', () => {
  const groups = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 9 })))
  const script = fc.array(groups, { maxLength: 8 })
  fc.assert(
    fc.property(script, fc.integer({ min: 1, max: 10 }), (rounds, maxBatch) => {
      const queue = createTurnQueue<Work>()
      const added: Work[] = []
      const taken: Work[] = []
      for (const round of rounds) {
        for (const [turn, size] of round) {
          const work = { turn, number: added.length, size }
          added.push(work)
          queue.add(turn, work, size)
        }
        taken.push(...queue.take(maxBatch))
      }
      while (queue.size > 0) {
        const batch = queue.take(maxBatch)
        assert.ok(batch.length > 0)
        taken.push(...batch)
      }
      for (const turn of ['a', 'b', 'c']) {
        const own = (work: Work): boolean => work.turn === turn
        assert.deepEqual(taken.filter(own), added.filter(own))
      }
      assert.deepEqual(
        taken.toSorted((a, b) => a.number - b.number),
        added,
      )
    }),
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import * as fc from 'fast-check'
import { createBatcher, OverloadedError } from './create-batcher.ts'

/** A process that ends when the test ends it, and records its batches. */
function controlled() {
  const batches: number[][] = []
  const finish: Array<() => void> = []
  const process = async (items: number[]): Promise<string[]> => {
    batches.push(items)
    await new Promise<void>((resolve) => finish.push(resolve))
    return items.map((item) => `answer ${item}`)
  }
  const finishNext = async (): Promise<void> => {
    finish.shift()?.()
    await nextTurn()
  }
  return { process, batches, finishNext }
}

test('items of one turn of the event loop start together, later ones form the next batch', async () => {
  const { process, batches, finishNext } = controlled()
  const batcher = createBatcher({ process })
  const first = [1, 2, 3].map((item) => batcher.submit(item))
  await nextTurn()
  const second = [4, 5].map((item) => batcher.submit(item))
  await nextTurn()
  assert.deepEqual(batches, [[1, 2, 3]])
  assert.equal(batcher.size, 5)
  await finishNext()
  assert.deepEqual(batches, [
    [1, 2, 3],
    [4, 5],
  ])
  await finishNext()
  assert.deepEqual(
    await Promise.all([...first, ...second]),
    [1, 2, 3, 4, 5].map((n) => `answer ${n}`),
  )
  assert.equal(batcher.size, 0)
})

test('each caller gets its own answer, in order, one batch at a time, none above the limit', async () => {
  const schedule = fc.array(fc.array(fc.integer(), { maxLength: 12 }), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(schedule, fc.integer({ min: 1, max: 7 }), async (turns, maxBatch) => {
      const processed: number[] = []
      let underWay = 0
      const batcher = createBatcher({
        maxBatch,
        async process(items: number[]) {
          assert.equal(++underWay, 1)
          assert.ok(items.length > 0 && items.length <= maxBatch)
          await nextTurn()
          underWay--
          processed.push(...items)
          return items.map((item) => item * 2)
        },
      })
      const answers: Array<Promise<number>> = []
      for (const turn of turns) {
        for (const item of turn) answers.push(batcher.submit(item))
        await nextTurn()
      }
      assert.deepEqual(
        await Promise.all(answers),
        turns.flat().map((item) => item * 2),
      )
      assert.deepEqual(processed, turns.flat())
      await batcher.drain()
      assert.equal(batcher.size, 0)
    }),
    { numRuns: 50 },
  )
})

test('a batch that throws fails only its own items', async () => {
  const batcher = createBatcher({
    maxBatch: 2,
    process: (items: number[]) =>
      items.includes(3) ? Promise.reject(new Error('bad')) : Promise.resolve(items),
  })
  const settled = await Promise.allSettled([1, 2, 3, 4, 5].map((item) => batcher.submit(item)))
  assert.deepEqual(
    settled.map((one) => one.status),
    ['fulfilled', 'fulfilled', 'rejected', 'rejected', 'fulfilled'],
  )
})

test('a process that throws or omits an answer fails its batch, and the next batch runs', async () => {
  let calls = 0
  const batcher = createBatcher({
    process(items: number[]) {
      calls++
      if (calls === 1) throw new Error('at once')
      return Promise.resolve(calls === 2 ? [] : items)
    },
  })
  await assert.rejects(batcher.submit(1), /at once/)
  await assert.rejects(batcher.submit(2), /answer every item/)
  assert.equal(await batcher.submit(3), 3)
})

test('F7: a full queue refuses work, and accepts it again once it has room', async () => {
  const { process, finishNext } = controlled()
  const batcher = createBatcher({ process, maxBatch: 1, maxQueue: 2 })
  const running = batcher.submit(1)
  await nextTurn()
  const waiting = [batcher.submit(2), batcher.submit(3)]
  await assert.rejects(batcher.submit(4), OverloadedError)
  await finishNext()
  waiting.push(batcher.submit(5))
  for (let batch = 0; batch < 3; batch++) await finishNext()
  assert.equal(await running, 'answer 1')
  assert.deepEqual(await Promise.all(waiting), ['answer 2', 'answer 3', 'answer 5'])
})

test('a group shares one batch, even above its limit, and is answered in order', async () => {
  const { process, batches, finishNext } = controlled()
  const batcher = createBatcher({ process, maxBatch: 3, maxQueue: 6 })
  const answers = [[1, 2], [3, 4], [5], [6, 7, 8, 9]].map((items) => batcher.submitAll(items))
  assert.equal(batcher.size, 5)
  await assert.rejects(answers.pop()!, OverloadedError)
  for (let batch = 0; batch < 3; batch++) await finishNext()
  const large = batcher.submitAll([1, 2, 3, 4, 5, 6, 7])
  await nextTurn()
  await finishNext()
  assert.deepEqual(batches, [
    [1, 2],
    [3, 4, 5],
    [1, 2, 3, 4, 5, 6, 7],
  ])
  const expected = [[1, 2], [3, 4], [5]].map((items) => items.map((item) => `answer ${item}`))
  assert.deepEqual(await Promise.all(answers), expected)
  assert.equal((await large).length, 7)
  assert.deepEqual(await batcher.submitAll([]), [])
})

test('drain waits for the batch in flight and the queue, and returns at once when idle', async () => {
  const { process, finishNext } = controlled()
  const batcher = createBatcher({ process, maxBatch: 1 })
  await batcher.drain()
  const answers = [batcher.submit(1), batcher.submit(2)]
  let drained = false
  const draining = batcher.drain().then(() => (drained = true))
  await nextTurn()
  await finishNext()
  assert.equal(drained, false)
  await finishNext()
  await draining
  await Promise.all(answers)
})

test('with a pause, items that arrive one by one after a batch share the next one', async () => {
  const batches: number[][] = []
  const batcher = createBatcher<number, number>({
    restMostMs: 60_000,
    process: async (items) => {
      batches.push(items)
      // The rest is twice as long as this: long enough for a few turns of the event loop.
      const until = performance.now() + 200
      while (performance.now() < until) await new Promise((turn) => setImmediate(turn))
      return items
    },
  })
  await batcher.submit(0)
  const later = [1, 2, 3].map(async (item) => {
    for (let turn = 0; turn < item; turn += 1) await new Promise((next) => setImmediate(next))
    return batcher.submit(item)
  })
  assert.deepEqual(await Promise.all(later), [1, 2, 3])
  assert.deepEqual(batches, [[0], [1, 2, 3]])
})

interface Item {
  tenant: string
  number: number
}

const turnOf = ({ tenant }: Item): string => tenant

/** Like `controlled`, for items of tenants: batches read as 'a1 a2 b1'. */
function controlledTurns(options: { maxBatch: number; maxQueue: number }) {
  const batches: string[] = []
  const finish: Array<() => void> = []
  const batcher = createBatcher<Item, string>({
    ...options,
    turnOf,
    process: async (items) => {
      batches.push(items.map(({ tenant, number }) => tenant + number).join(' '))
      await new Promise<void>((resolve) => finish.push(resolve))
      return items.map(({ tenant, number }) => tenant + number)
    },
  })
  const finishNext = async (): Promise<void> => {
    finish.shift()?.()
    await nextTurn()
  }
  const submit = (tenant: string, ...numbers: number[]) =>
    numbers.map((number) => batcher.submit({ tenant, number }))
  return { batcher, batches, finishNext, submit }
}

test('a tenant that fills its queue is refused while another is served in the next batch', async () => {
  const { batcher, batches, finishNext, submit } = controlledTurns({ maxBatch: 3, maxQueue: 12 })
  const answers = submit('a', 0)
  await nextTurn()
  answers.push(...submit('a', 1, 2, 3, 4, 5, 6))
  await assert.rejects(submit('a', 7)[0]!, OverloadedError)
  assert.equal(batcher.hasRoomFor(1, 'a'), false)
  assert.equal(batcher.hasRoomFor(1, 'b'), true)
  answers.push(...submit('b', 1))
  await finishNext()
  assert.deepEqual(batches, ['a0', 'a1 b1 a2'])
  for (let batch = 0; batch < 3; batch++) await finishNext()
  assert.deepEqual(batches.slice(2), ['a3 a4 a5', 'a6'])
  assert.equal((await Promise.all(answers)).length, 8)
})

test('several tenants that fill their queues leave room for another tenant', async () => {
  const { batcher, finishNext, submit } = controlledTurns({ maxBatch: 100, maxQueue: 64 })
  const answers = submit('first', 0)
  await nextTurn()
  for (const tenant of ['a', 'b', 'c', 'd']) {
    for (let number = 0; batcher.hasRoomFor(1, tenant); number++) {
      answers.push(...submit(tenant, number))
    }
  }
  assert.equal(batcher.hasRoomFor(1, 'e'), true)
  await finishNext()
  await finishNext()
  await Promise.all(answers)
})

test('each batch takes tenants in rotation and keeps the order of each', async () => {
  const script = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(3)), { maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(script, fc.integer({ min: 1, max: 5 }), async (groups, maxBatch) => {
      const seen: Item[] = []
      const batcher = createBatcher<Item, number>({
        maxBatch,
        turnOf,
        process: async (items) => {
          seen.push(...items)
          return items.map(({ number }) => number)
        },
      })
      let number = 0
      const answers = groups.map(([tenant, size]) =>
        batcher.submitAll(Array.from({ length: size }, () => ({ tenant, number: number++ }))),
      )
      const numbers = (await Promise.all(answers)).flat()
      assert.deepEqual(numbers, [...numbers.keys()])
      assert.equal(seen.length, number)
      for (const [, items] of Map.groupBy(seen, turnOf)) {
        const inOrder = items.toSorted((a, b) => a.number - b.number)
        assert.deepEqual(items, inOrder)
      }
    }),
    { numRuns: 50 },
  )
})

test('with isolation only the bad item of a batch fails, and its group with it', async () => {
  const attempts: number[][] = []
  const batcher = createBatcher<number, number>({
    isolate: true,
    process: async (items) => {
      attempts.push(items)
      if (items.includes(3)) throw new Error('bad')
      return items
    },
  })
  const settled = await Promise.allSettled([
    batcher.submit(1),
    batcher.submitAll([2, 3]),
    batcher.submitAll([4, 5]),
  ])
  assert.deepEqual(
    settled.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.message)),
    [1, 'bad', [4, 5]],
  )
  assert.deepEqual(attempts, [[1, 2, 3, 4, 5], [1], [2], [3], [4], [5]])
})

test('with isolation a retryable fault fails the batch at once', async () => {
  let attempts = 0
  const batcher = createBatcher<number, number>({
    isolate: true,
    process: () => {
      attempts++
      return Promise.reject(Object.assign(new Error('down'), { retryable: true }))
    },
  })
  const settled = await Promise.allSettled([batcher.submit(1), batcher.submit(2)])
  assert.deepEqual(
    settled.map((one) => one.status),
    ['rejected', 'rejected'],
  )
  assert.equal(attempts, 1)
})

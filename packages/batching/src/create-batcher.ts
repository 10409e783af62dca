import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'

/** More work waits than may wait; the caller should come back later (503 OVERLOADED, F7). */
export class OverloadedError extends Error {
  override readonly name = 'OverloadedError'
  readonly code = 'OVERLOADED'
  readonly retryable = true
}

export interface BatcherOptions<I, O> {
  /** Answers every item, in order. When it throws, every item of the batch fails with its error. */
  process: (items: I[]) => Promise<O[]>
  maxBatch?: number
  /** Items that may wait, those of the batch under way not counted. */
  maxQueue?: number
  /**
   * For work that nobody waits for: after each batch, a pause of twice its time, so long at most.
   * What comes meanwhile shares the next one (ADR 0010).
   */
  restMostMs?: number
  /** Told the size of each batch as it starts, for a histogram. */
  onBatch?: (size: number) => void
}

export interface Batcher<I, O> {
  /** Resolves to this item's own answer. Rejects with OverloadedError when too much waits. */
  submit(item: I): Promise<O>
  /** Resolves once nothing waits and nothing is under way. */
  drain(): Promise<void>
  /** Items waiting or under way. */
  readonly size: number
}

interface Waiting<I, O> {
  item: I
  resolve: (answer: O) => void
  reject: (error: unknown) => void
}

const MAX_BATCH = 500
const MAX_QUEUE = 10_000

/**
 * Joins concurrent commands: one batch is under way, what arrives meanwhile is the next. Unless a
 * rest is asked for there is no timer anywhere; an idle batcher only lets the current turn of the
 * event loop end, so that requests read from the sockets together start together.
 */
export function createBatcher<I, O>(options: BatcherOptions<I, O>): Batcher<I, O> {
  const { process, maxBatch = MAX_BATCH, maxQueue = MAX_QUEUE, restMostMs = 0, onBatch } = options
  assert(maxBatch > 0 && maxQueue > 0, 'a batcher takes at least one item')
  let queue: Waiting<I, O>[] = []
  let underWay = 0
  let running = false
  let idle: Array<() => void> = []

  async function run(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.slice(0, maxBatch)
      queue = queue.slice(maxBatch)
      underWay = batch.length
      const startedAt = performance.now()
      const answer = await outcomeOf(batch, (items) => {
        onBatch?.(items.length)
        return process(items)
      })
      underWay = 0
      if (restMostMs === 0 && queue.length > 0) {
        // The next batch leaves first: what it asks for is under way while these are answered.
        setImmediate(answer)
        continue
      }
      answer()
      if (restMostMs > 0 && queue.length < maxBatch) {
        await delay(Math.min(restMostMs, 2 * (performance.now() - startedAt)))
      }
    }
    running = false
    const waiting = idle
    idle = []
    for (const resolve of waiting) resolve()
  }

  return {
    submit(item) {
      if (queue.length >= maxQueue) {
        return Promise.reject(new OverloadedError('more work waits than may wait'))
      }
      const { promise, resolve, reject } = Promise.withResolvers<O>()
      queue.push({ item, resolve, reject })
      if (!running) {
        running = true
        setImmediate(() => void run())
      }
      return promise
    },
    drain() {
      if (!running) return Promise.resolve()
      const { promise, resolve } = Promise.withResolvers<void>()
      idle.push(resolve)
      return promise
    },
    get size() {
      return queue.length + underWay
    },
  }
}

/** What became of the batch, as what remains to be done: to tell it to its callers. */
async function outcomeOf<I, O>(
  batch: Waiting<I, O>[],
  process: (items: I[]) => Promise<O[]>,
): Promise<() => void> {
  try {
    const answers = await process(batch.map(({ item }) => item))
    assert.equal(answers.length, batch.length, 'a batch must answer every item')
    return () => {
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index] as O)
    }
  } catch (error) {
    return () => {
      for (const { reject } of batch) reject(error)
    }
  }
}

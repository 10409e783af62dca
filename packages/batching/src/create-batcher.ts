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
  /**
   * The same for some that came together: they share a batch, and one promise. More of them than
   * may wait are taken when nothing else waits.
   */
  submitAll(items: readonly I[]): Promise<O[]>
  /** Whether so many would be taken now. */
  hasRoomFor(count: number): boolean
  /** Resolves once nothing waits and nothing is under way. */
  drain(): Promise<void>
  /** Items waiting or under way. */
  readonly size: number
}

interface Waiting<I, O> {
  items: readonly I[]
  resolve: (answers: O[]) => void
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
  let queued = 0
  let underWay = 0
  let running = false
  let idle: Array<() => void> = []

  async function run(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.slice(0, sharers(queue, maxBatch))
      queue = queue.slice(batch.length)
      underWay = sizeOf(batch)
      queued -= underWay
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
      if (restMostMs > 0 && queued < maxBatch) {
        await delay(Math.min(restMostMs, 2 * (performance.now() - startedAt)))
      }
    }
    running = false
    const waiting = idle
    idle = []
    for (const resolve of waiting) resolve()
  }

  const hasRoomFor = (count: number) => queued === 0 || queued + count <= maxQueue

  function enqueue(waiting: Waiting<I, O>): void {
    const { items, reject } = waiting
    if (!hasRoomFor(items.length)) {
      reject(new OverloadedError('more work waits than may wait'))
      return
    }
    queue.push(waiting)
    queued += items.length
    if (running) return
    running = true
    setImmediate(() => void run())
  }

  return {
    submit: (item) =>
      new Promise((resolve, reject) => {
        enqueue({ items: [item], resolve: ([answer]) => resolve(answer as O), reject })
      }),
    submitAll: (items) =>
      items.length === 0
        ? Promise.resolve([])
        : new Promise((resolve, reject) => enqueue({ items, resolve, reject })),
    hasRoomFor,
    drain: () => (running ? new Promise((resolve) => void idle.push(resolve)) : Promise.resolve()),
    get size() {
      return queued + underWay
    },
  }
}

/** What became of the batch, as what remains to be done: to tell it to its callers. */
async function outcomeOf<I, O>(
  batch: Waiting<I, O>[],
  process: (items: I[]) => Promise<O[]>,
): Promise<() => void> {
  try {
    const answers = await process(batch.flatMap(({ items }) => items))
    assert.equal(answers.length, sizeOf(batch), 'a batch must answer every item')
    return () => {
      let from = 0
      for (const { items, resolve } of batch) resolve(answers.slice(from, (from += items.length)))
    }
  } catch (error) {
    return () => {
      for (const { reject } of batch) reject(error)
    }
  }
}

function sizeOf<I, O>(waiting: readonly Waiting<I, O>[]): number {
  return waiting.reduce((size, { items }) => size + items.length, 0)
}

/** How many of those that wait fit into one batch; the first does, however large it is. */
function sharers<I, O>(queue: readonly Waiting<I, O>[], maxBatch: number): number {
  let size = 0
  const over = queue.findIndex(({ items }) => (size += items.length) > maxBatch)
  return over === -1 ? queue.length : Math.max(over, 1)
}

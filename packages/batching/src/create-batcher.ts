import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { type Isolated, processIsolated } from './process-isolated.ts'
import { createTurnQueue } from './turn-queue.ts'

/** The queue is full; the caller should try again later (503 OVERLOADED, F7). */
export class OverloadedError extends Error {
  override readonly name = 'OverloadedError'
  readonly code = 'OVERLOADED'
  readonly retryable = true

  constructor(message = 'The queue is full.') {
    super(message)
  }
}

export interface BatcherOptions<I, O> {
  /** Answers every item, in order. When it throws, every item of the batch fails with its error. */
  process: (items: I[]) => Promise<O[]>
  maxBatch?: number
  /** The length of the queue, without the batch in flight. */
  maxQueue?: number
  /**
   * Whose turn an item is, such as its tenant. Turns that wait are served as many items each, and a
   * turn may have as many items waiting as it leaves places free: one that fills its queue, at most
   * half of `maxQueue`, neither delays another nor takes its place.
   */
  turnOf?: (item: I) => string
  /**
   * Repeats a batch that fails item by item, so that only the bad item fails (`processIsolated`).
   * Items that came together fail together, with the first fault among them.
   */
  isolate?: boolean
  /**
   * For work that no caller waits for: after each batch, a pause of twice its time, at most this
   * long. What arrives in the pause shares the next batch (ADR 0010).
   */
  restMostMs?: number
  /** Receives the size of each batch as it starts, for a histogram. */
  onBatch?: (size: number) => void
}

export interface Batcher<I, O> {
  /** Resolves to the item's answer. Rejects with OverloadedError when the queue is full. */
  submit(item: I): Promise<O>
  /**
   * Submits items that came together: they share a batch, one promise and the turn of the first.
   * More of them than fit into the queue are accepted only when it is empty.
   */
  submitAll(items: readonly I[]): Promise<O[]>
  /** Whether the queue has room for so many items, in this turn if the batcher has turns. */
  hasRoomFor(count: number, turn?: string): boolean
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
  const { process, maxBatch = MAX_BATCH, maxQueue = MAX_QUEUE, restMostMs = 0 } = options
  const { onBatch, turnOf, isolate = false } = options
  assert(maxBatch > 0 && maxQueue > 0, 'a batcher takes at least one item')
  const settle = isolate ? settleIsolated<I, O> : settleTogether<I, O>
  const queue = createTurnQueue<Waiting<I, O>>()
  let underWay = 0
  let running = false
  let idle: Array<() => void> = []

  async function run(): Promise<void> {
    while (queue.size > 0) {
      const batch = queue.take(maxBatch)
      underWay = sizeOf(batch)
      const startedAt = performance.now()
      onBatch?.(underWay)
      const answer = await settle(batch, process)
      underWay = 0
      if (restMostMs === 0 && queue.size > 0) {
        // The next batch leaves first: its work is under way while these callers are answered.
        setImmediate(answer)
        continue
      }
      answer()
      if (restMostMs > 0 && queue.size < maxBatch) {
        await delay(Math.min(restMostMs, 2 * (performance.now() - startedAt)))
      }
    }
    running = false
    const waiting = idle
    idle = []
    for (const resolve of waiting) resolve()
  }

  function hasRoomFor(count: number, turn = ''): boolean {
    if (queue.size === 0) return true
    const free = maxQueue - queue.size
    return count <= (turnOf === undefined ? free : free - queue.sizeOf(turn))
  }

  function enqueue(waiting: Waiting<I, O>): void {
    const { items, reject } = waiting
    const turn = turnOf?.(items[0]!) ?? ''
    if (!hasRoomFor(items.length, turn)) {
      reject(new OverloadedError())
      return
    }
    queue.add(turn, waiting, items.length)
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
      return queue.size + underWay
    },
  }
}

/** Processes the batch. Returns what remains to be done: to answer the callers. */
async function settleTogether<I, O>(
  batch: readonly Waiting<I, O>[],
  process: (items: I[]) => Promise<O[]>,
): Promise<() => void> {
  try {
    const answers = await answersTo(itemsOf(batch), process)
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

/** The same, except that a fault that is not retryable fails only the callers of the bad item. */
async function settleIsolated<I, O>(
  batch: readonly Waiting<I, O>[],
  process: (items: I[]) => Promise<O[]>,
): Promise<() => void> {
  try {
    const isolated = await processIsolated(itemsOf(batch), (items) => answersTo(items, process))
    return () => {
      let from = 0
      for (const waiting of batch) {
        settleOne(waiting, isolated.slice(from, (from += waiting.items.length)))
      }
    }
  } catch (error) {
    return () => {
      for (const { reject } of batch) reject(error)
    }
  }
}

function settleOne<I, O>({ resolve, reject }: Waiting<I, O>, isolated: Isolated<O>[]): void {
  const answers: O[] = []
  for (const one of isolated) {
    if ('fault' in one) {
      reject(one.fault)
      return
    }
    answers.push(one.answer)
  }
  resolve(answers)
}

async function answersTo<I, O>(items: I[], process: (items: I[]) => Promise<O[]>): Promise<O[]> {
  const answers = await process(items)
  assert.equal(answers.length, items.length, 'a batch must answer every item')
  return answers
}

function itemsOf<I, O>(batch: readonly Waiting<I, O>[]): I[] {
  return batch.flatMap(({ items }) => items)
}

function sizeOf<I, O>(waiting: readonly Waiting<I, O>[]): number {
  return waiting.reduce((size, { items }) => size + items.length, 0)
}

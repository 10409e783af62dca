import { setTimeout as delay } from 'node:timers/promises'
import { createBatcher } from '@caudal/batching/create-batcher.ts'
import { processIsolated } from '@caudal/batching/process-isolated.ts'
import { backoffMs } from '@caudal/retry/backoff-ms.ts'

export interface RecorderOptions<R> {
  /** Stores results in sets. If it rejects it is given them again, also those that it stored. */
  record: (results: readonly R[]) => Promise<void>
  maxBatch?: number | undefined
  maxQueue: number
  /** A pause after each batch in which further results gather. */
  gatherMs?: number | undefined
  /** These could not be stored now and are repeated. */
  onFault: (results: readonly R[], fault: unknown) => void
}

/** Stores results of calls. */
export interface Recorder<R> {
  /** Resolves to true once the result is stored, to false when the recorder was stopped before. */
  store(result: R): Promise<boolean>
  /** Repeats nothing from now on; resolves when the last batch has ended. */
  stop(): Promise<void>
}

const MAX_BATCH = 500
/** No caller waits for the record of an answer, so answers gather (ADR 0010). */
const REST_MOST_MS = 50
const AGAIN = { baseMs: 50, mostMs: 2_000 }

/**
 * Stores results in batches: those that come while one is stored go together. A result that cannot
 * be stored keeps no neighbour from it and is repeated until it is stored.
 */
export function createRecorder<R>(options: RecorderOptions<R>): Recorder<R> {
  const { record, maxBatch = MAX_BATCH, maxQueue, gatherMs = 0, onFault } = options
  let stopped = false

  /** Which of the results are stored. */
  async function recordIsolated(results: R[]): Promise<boolean[]> {
    try {
      const settled = await processIsolated(results, async (batch) => {
        await record(batch)
        return batch.map(() => true)
      })
      return settled.map((one, index) => {
        if ('answer' in one) return true
        onFault([results[index]!], one.fault)
        return false
      })
    } catch (error) {
      onFault(results, error)
      return results.map(() => false)
    }
  }

  const batcher = createBatcher<R, boolean>({
    restMostMs: REST_MOST_MS,
    maxBatch,
    maxQueue,
    async process(results) {
      const stored = await recordIsolated(results)
      if (gatherMs > 0 && !stopped) await delay(gatherMs)
      return stored
    },
  })

  /** The queue has room for all calls under way; a result that finds it full is repeated too. */
  async function submit(result: R): Promise<boolean> {
    try {
      return await batcher.submit(result)
    } catch (error) {
      onFault([result], error)
      return false
    }
  }

  return {
    async store(result) {
      for (let failures = 1; !stopped; failures += 1) {
        if (await submit(result)) return true
        await delay(backoffMs(AGAIN, failures, Math.random()))
      }
      return false
    },
    stop() {
      stopped = true
      return batcher.drain()
    },
  }
}

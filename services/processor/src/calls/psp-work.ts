import { createBatcher } from '@caudal/batching/create-batcher.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { createGate } from './admission.ts'
import { type CallResult, createPspCalls } from './call-psp.ts'
import type { Config } from '../config.ts'
import { createObserver, watchState } from './observe.ts'
import type { ProcessBatchDeps } from '../process-batch.ts'
import { type CircuitMode, createCircuit } from '../psp/circuit.ts'
import { createHttpAdapter } from '../psp/http-adapter.ts'
import { recordAnswers, type RecordAnswersDeps } from './record-answers.ts'
import { startSweep } from '../sweep.ts'
import { takeDue } from './take-due.ts'

/** Nobody waits for the record of an answer, so answers gather (ADR 0010). */
const REST_MOST_MS = 50

export type PspWorkDeps = {
  db: Db
  config: Config
  logger: Logger
  metrics: Metrics
  wakeRelay: () => void
}

/** Everything between the consumer and the PSP. */
export type PspWork = {
  /** What the consumer's batches need. */
  intake: ProcessBatchDeps
  /** How many new payments are wanted now; 0 to pause. */
  capacity(): number
  /** Calls back when there is capacity again after a pause. */
  onCapacity(listener: () => void): void
  circuitMode(): CircuitMode
  /** Waits for calls under way, as long as configured, and records their answers. */
  stop(): Promise<void>
}

/** One call in this many is kept for retries and payments in doubt. */
const KEPT_FOR_DUE = 8
/** New payments are taken in batches worth a transaction: this share of all calls, or none. */
const WORTHWHILE = 8
const MAX_BATCH = 500

/** Wires circuit, adapter, calls, the recording of answers and the sweep of what is due. */
export function startPspWork(deps: PspWorkDeps): PspWork {
  const { db, logger, metrics, wakeRelay } = deps
  const { region, psp } = deps.config
  const { policy, maxSends, maxQueries } = psp
  const observer = createObserver({ logger, metrics })
  const adapter = createHttpAdapter(psp)
  const wakeIn = (delayMs: number): void => sweep.wakeIn(delayMs)
  const common = { db, region, policy, jitter: Math.random, observer, wakeRelay, wakeIn }
  const waiting = { listener: (): void => {}, intake: false, due: false }
  const resume = (): void => {
    if (waiting.due) sweep.wakeIn(0)
    if (waiting.intake && capacity() > 0) waiting.listener()
  }
  const circuit = createCircuit({
    ...psp.circuit,
    onChange(mode) {
      observer.circuitChanged(mode)
      resume()
    },
  })
  const recorder = createRecorder(common, 2 * (maxSends + maxQueries))
  const bounds = { maxSends, maxQueries, onFree: resume }
  const calls = createPspCalls({ adapter, circuit, observer, ...recorder, ...bounds })
  const { send, query, freeSends, freeQueries } = calls
  const dueGate = createGate(circuit, freeSends)
  const sweep = startSweep(async () => {
    const taken = await takeDue({ ...common, gate: dueGate, send, query, freeQueries })
    waiting.due = taken.hungry
    return taken.count
  }, logger)
  const kept = Math.floor(maxSends / KEPT_FOR_DUE)
  const gate = createGate(circuit, () => freeSends() - kept)

  function capacity(): number {
    const wanted = gate.wanted()
    const worthwhile = circuit.mode() !== 'closed' || wanted >= maxSends / WORTHWHILE
    waiting.intake = wanted === 0 || !worthwhile
    return waiting.intake ? 0 : wanted
  }

  const circuitMode = circuit.mode
  const inFlight = () => ({ pay: maxSends - freeSends(), status: maxQueries - freeQueries() })
  watchState({ db, metrics, circuitMode, inFlight })
  return {
    intake: { region, policy, accounts: psp.accounts, adapter, gate, observer, send, wakeIn },
    capacity,
    onCapacity: (listener) => void (waiting.listener = listener),
    circuitMode,
    async stop() {
      await sweep.stop()
      await calls.stop(psp.drainMs)
      await recorder.drain()
      await adapter.close()
    },
  }
}

type Recorder = { record: (result: CallResult) => Promise<void>; drain: () => Promise<void> }

/** Joins results of calls: what comes while a transaction runs is recorded by the next one. */
function createRecorder(deps: RecordAnswersDeps, maxQueue: number): Recorder {
  const recordOne = (result: CallResult): Promise<unknown> =>
    recordAnswers(deps, [result]).then(
      () => undefined,
      (error: unknown) => error,
    )
  const batcher = createBatcher<CallResult, unknown>({
    restMostMs: REST_MOST_MS,
    maxBatch: MAX_BATCH,
    maxQueue,
    async process(results) {
      try {
        await recordAnswers(deps, results)
        return results.map(() => undefined)
      } catch (error) {
        if (results.length === 1 || (error as { retryable?: boolean }).retryable) throw error
        // One answer that cannot be stored must not keep its neighbours from being recorded.
        const errors: unknown[] = []
        for (const result of results) errors.push(await recordOne(result))
        return errors
      }
    },
  })
  return {
    async record(result) {
      const error = await batcher.submit(result)
      if (error !== undefined) throw error as Error
    },
    drain: () => batcher.drain(),
  }
}

import { createCircuit } from '@caudal/outbound/circuit.ts'
import type { CircuitMode } from '@caudal/outbound/circuit.ts'
import { createOutbound, type Outbound } from '@caudal/outbound/create-outbound.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import type { Config } from '../config.ts'
import type { ProcessBatchDeps } from '../process-batch.ts'
import { isPspFailure } from '../psp/circuit.ts'
import { createHttpAdapter } from '../psp/http-adapter.ts'
import { createGate } from './admission.ts'
import { callPsp, type CallResult, type PspCall, type PspPeer, refusedCall } from './call-psp.ts'
import { createObserver, watchState } from './observe.ts'
import { recordAnswers } from './record-answers.ts'
import { takeDue } from './take-due.ts'

export type PspWorkDeps = {
  db: Db
  config: Config
  logger: Logger
  metrics: Metrics
  wakeRelay: () => void
}

/** The parts between the consumer and the PSP. */
export type PspWork = {
  /** Dependencies of the consumer's batches. */
  intake: ProcessBatchDeps
  /** How many new payments may be consumed now; 0 to pause. */
  capacity(): number
  /** Registers a callback for when there is capacity again after a pause. */
  onCapacity(listener: () => void): void
  circuitMode(): CircuitMode
  /** Waits for calls in flight, up to the configured time, and records their answers. */
  stop(): Promise<void>
}

/** One call in this many is reserved for retries and payments in doubt. */
const RESERVED_FOR_DUE = 8
/** Payments are consumed only if this share of all calls is free, so that batches are not tiny. */
const WORTHWHILE = 8

/** Connects the circuit, the adapter, the engine of outgoing calls and the recording of answers. */
export function startPspWork(deps: PspWorkDeps): PspWork {
  const { db, logger, metrics, wakeRelay } = deps
  const { region, psp } = deps.config
  const { policy, maxSends, maxQueries } = psp
  const observer = createObserver({ logger, metrics })
  const adapter = createHttpAdapter(psp)
  const wakeIn = (delayMs: number): void => outbound.wakeIn(delayMs)
  const common = { db, region, policy, jitter: Math.random, observer, wakeRelay, wakeIn }
  const intakeWaits = { now: false, listener: (): void => {} }
  const circuitMode = (): CircuitMode => circuit.mode()
  const circuit = createCircuit<CallResult>({
    ...psp.circuit,
    whileTrying: 'wait',
    isFailure: (result) => result.kind === 'sent' && isPspFailure(result.sent),
    onChange(mode) {
      observer.circuitChanged(mode)
      outbound.resume()
    },
  })
  const dueGate = createGate(circuitMode, () => outbound.free('pay'))
  const refused = (call: PspCall): CallResult => refusedCall({ adapter, observer }, call)
  const outbound: Outbound<PspPeer, PspCall> = createOutbound({
    peers: { pay: { most: maxSends, circuit, refused }, status: { most: maxQueries } },
    claim: () =>
      takeDue({
        ...common,
        psp: psp.name,
        gate: dueGate,
        freeQueries: () => outbound.free('status'),
      }),
    call: (call) => callPsp({ adapter, observer }, call),
    record: (results) => recordAnswers(common, results),
    onCallFault: ({ facts }, fault) => observer.callFailed(facts, fault),
    onRecordFault(results, fault) {
      for (const { facts } of results) observer.recordFailed(facts, fault)
    },
    onRoom() {
      if (intakeWaits.now && capacity() > 0) intakeWaits.listener()
    },
    logger,
  })
  const reserved = Math.floor(maxSends / RESERVED_FOR_DUE)
  const gate = createGate(circuitMode, () => outbound.free('pay') - reserved)

  function capacity(): number {
    const wanted = gate.wanted()
    const worthwhile = circuitMode() !== 'closed' || wanted >= maxSends / WORTHWHILE
    intakeWaits.now = wanted === 0 || !worthwhile
    return intakeWaits.now ? 0 : wanted
  }

  const inFlight = () => ({
    pay: maxSends - outbound.free('pay'),
    status: maxQueries - outbound.free('status'),
  })
  watchState({ db, metrics, circuitMode, inFlight })
  const send = outbound.begin
  return {
    intake: { region, policy, psp: psp.name, adapter, gate, observer, send, wakeIn },
    capacity,
    onCapacity: (listener) => void (intakeWaits.listener = listener),
    circuitMode,
    async stop() {
      await outbound.stop(psp.drainMs)
      await adapter.close()
    },
  }
}

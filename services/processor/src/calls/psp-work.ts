import type { CircuitMode } from '@caudal/outbound/breaker.ts'
import { type CallKey, nameOf } from '@caudal/outbound/call-key.ts'
import { createCircuits, type Circuits } from '@caudal/outbound/create-circuits.ts'
import { createOutbound, type Outbound } from '@caudal/outbound/create-outbound.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import type { Config, PspSettings } from '../config.ts'
import type { ProcessBatchDeps } from '../process-batch.ts'
import { isPspFailure } from '../psp/circuit.ts'
import { createPspClient } from '../psp/psp-client.ts'
import { createSyncbankAdapter } from '../psp/syncbank-adapter.ts'
import { countWaiting } from '../store/count-waiting.ts'
import { createGate, queryLimits } from './admission.ts'
import { callPsp, type PspCallResult, type PspCall, type PspPeer, refusedCall } from './call-psp.ts'
import { createIntake } from './intake.ts'
import { createObserver, type Observer, watchState } from './observe.ts'
import { recordAnswers } from './record-answers.ts'
import { takeDue } from './take-due.ts'
import { createWaiting, type Waiting } from './waiting.ts'

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
  /** Of a tenant and bank, or of the whole PSP if that admits fewer calls. */
  circuitModeOf(key: CallKey): CircuitMode
  /** How many tenants and banks were called lately, by the mode of their circuit. */
  circuitCounts(): ReadonlyMap<CircuitMode, number>
  /** Waits for calls in flight, up to the configured time, and records their answers. */
  stop(): Promise<void>
}

/** Other instances record and claim payments too, so the count is renewed this often. */
const RECOUNT_MS = 1_000

/** Connects circuits, the client of the PSP, the engine of calls and the recording of answers. */
export function startPspWork(deps: PspWorkDeps): PspWork {
  const { db, logger, metrics, wakeRelay } = deps
  const { region, psp } = deps.config
  const { policy, maxSends, maxQueries } = psp
  const observer = createObserver({ logger, metrics })
  const adapter = createSyncbankAdapter(psp)
  const client = createPspClient({ ...psp, adapter })
  const waiting = createWaiting()
  const recount = createRecount(deps, waiting)
  const wakeIn = (delayMs: number): void => outbound.wakeIn(delayMs)
  const common = { db, region, policy, jitter: Math.random, observer, wakeRelay, wakeIn }
  const circuits = createPspCircuits(psp, observer, (mode) => {
    outbound.resume()
    if (mode === 'open') wakeIn(psp.circuit.pauseMs)
  })
  const shares = () => outbound.shares('pay')
  const gate = createGate({ circuits, shares, waitMs: policy.circuitWaitMs })
  const guard = {
    circuitMode: circuits.mode,
    circuitOf: (call: PspCall) => circuits.of(call.key),
    refused: (call: PspCall) => refusedCall({ client, observer }, call),
  }
  const outbound: Outbound<PspPeer, PspCall> = createOutbound({
    peers: { pay: { most: maxSends, guard }, status: { most: maxQueries } },
    async claim() {
      const claimed = await takeDue({
        ...common,
        psp: psp.name,
        gate,
        waiting,
        queryLimits: () => queryLimits(outbound.shares('status')),
      })
      if (claimed.more) await recount()
      intake.changed()
      return claimed
    },
    call: (call) => callPsp({ client, observer }, call),
    record: (results) => recordAnswers(common, results),
    onCallFault: ({ facts }, fault) => observer.callFailed(facts, fault),
    onRecordFault(results, fault) {
      for (const { facts } of results) observer.recordFailed(facts, fault)
    },
    onRoom: () => intake.changed(),
    logger,
  })
  const intake = createIntake({
    places: maxSends,
    room: () => shares().roomOfNew(),
    waitingRoom: () => psp.maxWaiting - waiting.count,
  })
  const inFlight = (peer: PspPeer): number => outbound.shares(peer).most - outbound.free(peer)
  const state = { circuitMode: circuits.mode, circuitCounts: () => circuitCounts(circuits) }
  watchState({ db, metrics, ...state, waiting: () => waiting.count, inFlight })
  const { begin: send, addBacklog } = outbound
  return {
    ...state,
    circuitModeOf: (key) => circuitModeOf(circuits, key),
    intake: { policy, psp: psp.name, adapter, gate, waiting, send, addBacklog },
    capacity: intake.capacity,
    onCapacity: intake.onCapacity,
    async stop() {
      await outbound.stop(psp.drainMs)
      await client.close()
    },
  }
}

function createPspCircuits(
  { circuit }: PspSettings,
  observer: Observer,
  onChange: (mode: CircuitMode) => void,
): Circuits<PspCallResult> {
  return createCircuits<PspCallResult>({
    ...circuit,
    isFailure: (result) => result.kind === 'sent' && isPspFailure(result.sent),
    onChange(mode, key) {
      observer.circuitChanged(mode, key)
      onChange(mode)
    },
  })
}

/** Counts the payments that wait, at most once a second. */
function createRecount({ db, config }: PspWorkDeps, waiting: Waiting): () => Promise<void> {
  let countedAt = Number.NEGATIVE_INFINITY
  return async () => {
    if (performance.now() - countedAt < RECOUNT_MS) return
    countedAt = performance.now()
    waiting.counted(await countWaiting(db, config.psp.maxWaiting))
  }
}

/** A read of a payment must not make a circuit, nor keep one that is no longer called. */
function circuitModeOf(circuits: Circuits<PspCallResult>, key: CallKey): CircuitMode {
  const name = nameOf(key)
  const known = [...circuits.known()].find((circuit) => nameOf(circuit.key) === name)
  return known?.mode() ?? circuits.modeOf(key.tenant)
}

function circuitCounts(circuits: Circuits<PspCallResult>): ReadonlyMap<CircuitMode, number> {
  const counts = new Map<CircuitMode, number>()
  for (const circuit of circuits.known()) {
    const mode = circuit.mode()
    counts.set(mode, (counts.get(mode) ?? 0) + 1)
  }
  return counts
}

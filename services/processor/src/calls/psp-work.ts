import type { CircuitMode } from '@caudal/outbound/breaker.ts'
import { type CallKey, nameOf } from '@caudal/outbound/call-key.ts'
import type { Circuits } from '@caudal/outbound/create-circuits.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import type { FindPsp } from '../callbacks/callback-psp.ts'
import type { Config } from '../config.ts'
import type { ProcessBatchDeps } from '../process-batch.ts'
import { createSyncbankAdapter } from '../psp/syncbank-adapter.ts'
import { OPERATIONS, PAYMENTS } from '../store/operation-tables.ts'
import type { PspCallResult } from './call-psp.ts'
import { createIntake } from './intake.ts'
import { createObserver, type Observer } from './observe.ts'
import { startLane } from './start-lane.ts'
import { type InFlight, watchState } from './watch-state.ts'

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
  observer: Observer
  /** How many new payments may be consumed now; 0 to pause. */
  capacity(): number
  /** Registers a callback for when there is capacity again after a pause. */
  onCapacity(listener: () => void): void
  circuitMode(): CircuitMode
  /** The PSP of this name, for its callbacks. */
  findPsp: FindPsp
  /** Operations became due outside of the calls. */
  wake(): void
  /** Of a tenant and bank, or of the whole PSP if that admits fewer calls. */
  circuitModeOf(key: CallKey): CircuitMode
  /** How many tenants and banks were called lately, by the mode of their circuit. */
  circuitCounts(): ReadonlyMap<CircuitMode, number>
  /** Waits for calls in flight, up to the configured time, and records their answers. */
  stop(): Promise<void>
}

/** Refunds and voids have this share of the places and connections that payments have. */
const REVERSAL_SHARE = 1 / 4

/** Starts the lane of payments, and that of refunds and voids. */
export function startPspWork(deps: PspWorkDeps): PspWork {
  const { db, logger, metrics, wakeRelay } = deps
  const { region, psp } = deps.config
  const observer = createObserver({ logger, metrics })
  const adapter = createSyncbankAdapter(psp)
  const common = { db, region, adapter, observer, wakeRelay, logger }
  const payments = startLane({ ...common, psp, table: PAYMENTS, onRoom: () => intake.changed() })
  const reversals = startLane({
    ...common,
    psp: {
      ...psp,
      maxSends: Math.ceil(psp.maxSends * REVERSAL_SHARE),
      maxQueries: Math.ceil(psp.maxQueries * REVERSAL_SHARE),
    },
    table: OPERATIONS,
    onRoom: () => {},
  })
  const { gate, waiting, circuits, outbound } = payments
  const intake = createIntake({
    places: psp.maxSends,
    room: () => outbound.shares('execute').roomOfNew(),
    waitingRoom: () => psp.maxWaiting - waiting.count,
  })
  const inFlight: Record<InFlight, () => number> = {
    pay: () => payments.inFlight('execute'),
    status: () => payments.inFlight('query'),
    refund: () => reversals.inFlight('execute'),
    refund_status: () => reversals.inFlight('query'),
  }
  const state = { circuitMode: circuits.mode, circuitCounts: () => circuitCounts(circuits) }
  watchState({
    db,
    metrics,
    ...state,
    waiting: () => waiting.count,
    inFlight: (operation) => inFlight[operation](),
  })
  return {
    ...state,
    observer,
    circuitModeOf: (key) => circuitModeOf(circuits, key),
    findPsp: (name) => (name === psp.name ? { ...psp, adapter } : undefined),
    wake() {
      outbound.wakeIn(0)
      reversals.outbound.wakeIn(0)
    },
    intake: {
      region,
      policy: psp.policy,
      psp: psp.name,
      adapter,
      gate,
      waiting,
      send: outbound.begin,
      addBacklog: outbound.addBacklog,
      addReversals: reversals.outbound.addBacklog,
    },
    capacity: intake.capacity,
    onCapacity: intake.onCapacity,
    async stop() {
      await Promise.all([payments.stop(), reversals.stop()])
    },
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

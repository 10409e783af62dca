import { DEFAULT_PSP } from '@caudal/contracts/psp.ts'
import type { CircuitMode } from '@caudal/outbound/breaker.ts'
import { type CallKey, nameOf } from '@caudal/outbound/call-key.ts'
import type { Circuits } from '@caudal/outbound/create-circuits.ts'
import { deadlineIn } from '@caudal/outbound/deadline.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import type { CallbackPsp, FindPsp } from '../callbacks/callback-psp.ts'
import type { Config } from '../config.ts'
import type { ProcessBatchDeps } from '../process-batch.ts'
import { createAdapter } from '../psp/adapters.ts'
import type { PspSettings } from '../psp/psp-settings.ts'
import { OPERATIONS, PAYMENTS } from '../store/operation-tables.ts'
import { callKeyOf } from './call-key-of.ts'
import type { PspCallResult } from './call-psp.ts'
import { createIntake } from './intake.ts'
import { createObserver, type Observer } from './observe.ts'
import type { PspStates } from './psp-states.ts'
import { createPsps, type PspAtWork } from './psps.ts'
import { type Lane, type LaneOptions, startLane } from './start-lane.ts'
import { type WatchedPsp, watchState } from './watch-state.ts'

export type PspWorkDeps = {
  db: Db
  config: Config
  states: PspStates
  logger: Logger
  metrics: Metrics
  wakeRelay: () => void
}

/** The parts between the consumer and the PSPs. */
export type PspWork = {
  /** Dependencies of the consumer's batches. */
  intake: ProcessBatchDeps
  observer: Observer
  /** How many new payments may be consumed now; 0 to pause. */
  capacity(): number
  /** Registers a callback for when there is capacity again after a pause. */
  onCapacity(listener: () => void): void
  /** The PSPs with their circuits, the default one first. */
  psps: readonly WatchedPsp[]
  /** The PSP of this name, for its callbacks. */
  findPsp: FindPsp
  /** Operations became due outside of the calls. */
  wake(): void
  /**
   * Of a tenant and bank at a PSP (null: the default one), or of the whole PSP if that admits fewer
   * calls.
   */
  circuitModeOf(key: CallKey, psp: string | null): CircuitMode
  /** Waits for calls in flight, up to the configured time, and records their answers. */
  stop(): Promise<void>
}

/** The lanes of one PSP. */
type PspLanes = { settings: PspSettings; payments: Lane; reversals: Lane; atWork: PspAtWork }

/** Refunds, voids and payouts have this share of the places and connections that payments have. */
const REVERSAL_SHARE = 1 / 4

/** Starts the lane of payments of each PSP, and that of its refunds, voids and payouts. */
export function startPspWork(deps: PspWorkDeps): PspWork {
  const { db, config, metrics, logger } = deps
  const observer = createObserver({ logger, metrics })
  const lanes = new Map<string, PspLanes>()
  const onRoom = (): void => intake.changed()
  const start = (settings: PspSettings): PspAtWork => {
    const started = startLanes(deps, { settings, observer, onRoom, lanes })
    lanes.set(settings.name, started)
    return started.atWork
  }
  const [, ...further] = config.psps
  const psps = createPsps([start(config.psp), ...further.map(start)], config.routes)
  const all = [...lanes.values()]
  const intake = createIntake({
    places: sum(all, ({ settings }) => settings.maxSends),
    room: () => sum(all, ({ payments }) => payments.outbound.shares('execute').roomOfNew()),
    // A PSP for which many payments wait keeps others from theirs only once all room is taken.
    waitingRoom: () =>
      sum(all, ({ settings, payments }) => settings.maxWaiting - payments.waiting.count),
  })
  deps.states.onChange(() => {
    for (const { payments, reversals } of all) {
      payments.outbound.addBacklog()
      reversals.outbound.addBacklog()
    }
  })
  const watched = all.map(watchedOf)
  watchState({ db, metrics, psps: watched })
  return {
    observer,
    psps: watched,
    circuitModeOf(key, psp) {
      const ofPsp = lanes.get(psp ?? config.psp.name)
      return ofPsp === undefined ? 'closed' : circuitModeOf(ofPsp.payments.circuits, key)
    },
    findPsp(name) {
      const ofPsp = lanes.get(name)
      return ofPsp && callbackPspOf(ofPsp)
    },
    wake() {
      for (const { payments, reversals } of all) {
        payments.outbound.wakeIn(0)
        reversals.outbound.wakeIn(0)
      }
    },
    intake: {
      region: config.region,
      psps,
      addReversals() {
        for (const { reversals } of all) reversals.outbound.addBacklog()
      },
    },
    capacity: intake.capacity,
    onCapacity: intake.onCapacity,
    async stop() {
      await Promise.all(
        all.flatMap(({ payments, reversals }) => [payments.stop(), reversals.stop()]),
      )
    },
  }
}

type PspOptions = {
  settings: PspSettings
  observer: Observer
  onRoom: () => void
  /** The lanes of all PSPs, once they have started. */
  lanes: ReadonlyMap<string, PspLanes>
}

function startLanes(
  { db, config, states, logger, wakeRelay }: PspWorkDeps,
  { settings, observer, onRoom, lanes }: PspOptions,
): PspLanes {
  const { name, policy, accounts, maxSends, maxQueries } = settings
  const isSeveral = config.psps.length > 1
  const areAllItsOwn = !isSeveral && name === DEFAULT_PSP
  const adapter = createAdapter(settings.adapter, settings)
  const common: Omit<LaneOptions, 'table' | 'psp' | 'failover' | 'onRoom'> = {
    db,
    region: config.region,
    adapter,
    claimed: areAllItsOwn ? null : { name, isDefault: name === config.psp.name },
    state: () => states.of(name),
    observer,
    wakeRelay,
    logger,
  }
  const failover = {
    psp: name,
    isOpen: (psp: string, key: CallKey) => lanes.get(psp)?.atWork.isOpen(key) ?? false,
    moved(psps: readonly string[], dueInMs: number) {
      for (const psp of psps) lanes.get(psp)?.payments.outbound.wakeIn(dueInMs)
    },
  }
  const payments = startLane({
    ...common,
    psp: settings,
    table: PAYMENTS,
    failover: isSeveral ? failover : null,
    onRoom,
  })
  const reversals = startLane({
    ...common,
    psp: {
      ...settings,
      maxSends: Math.ceil(maxSends * REVERSAL_SHARE),
      maxQueries: Math.ceil(maxQueries * REVERSAL_SHARE),
    },
    table: OPERATIONS,
    failover: null,
    onRoom: () => {},
  })
  const { gate, waiting, circuits, outbound } = payments
  const { state } = common
  const isOpen = (key: CallKey): boolean => {
    const mode = circuits.of(key).mode()
    return state() === 'enabled' && (mode === 'closed' || mode === 'half_open')
  }
  const { begin: send, addBacklog } = outbound
  const known = { name, adapter, policy, accounts, gate, waiting, state, isOpen }
  return { settings, payments, reversals, atWork: { ...known, send, addBacklog } }
}

function callbackPspOf({ settings, atWork, payments, reversals }: PspLanes): CallbackPsp {
  return {
    ...settings,
    adapter: atWork.adapter,
    ask(asked) {
      const { outbound } = asked.facts.kind === 'pay' ? payments : reversals
      const deadline = deadlineIn(settings.policy.timeoutMs)
      outbound.begin([{ peer: 'query', key: callKeyOf(asked.facts), ...asked, deadline }])
    },
  }
}

function watchedOf({ settings: { name }, payments, reversals }: PspLanes): WatchedPsp {
  const { circuits, waiting } = payments
  const inFlight = {
    pay: () => payments.inFlight('execute'),
    status: () => payments.inFlight('query'),
    refund: () => reversals.inFlight('execute'),
    refund_status: () => reversals.inFlight('query'),
  }
  return {
    name,
    circuitMode: circuits.mode,
    circuitCounts: () => circuitCounts(circuits),
    waiting: () => waiting.count,
    inFlight: (operation) => inFlight[operation](),
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

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}

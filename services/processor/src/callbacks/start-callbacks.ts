import { createBatcher } from '@caudal/batching/create-batcher.ts'
import { startSweep, type Sweep } from '@caudal/outbound/sweep.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { isRetryable } from '@caudal/retry/is-retryable.ts'
import { runPeriodically } from '@caudal/retry/run-periodically.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import type { Observer } from '../calls/observe.ts'
import type { NamedAccount } from '../domain/accounts-of-tenant.ts'
import { type FactKey, findDueFacts } from '../store/claim-facts.ts'
import { parkFact } from '../store/park-fact.ts'
import { reprocessCallback, type StoredBody } from '../store/reprocess-callback.ts'
import type { NewCallback, StoredCallback } from '../store/store-callbacks.ts'
import { wakeLatelyUnknown } from '../store/wake-lately-unknown.ts'
import { type AppliedFacts, applyFacts } from './apply-facts.ts'
import type { FindPsp } from './callback-psp.ts'
import { type CallbackObserver, createCallbackObserver, watchFacts } from './observe-callbacks.ts'
import { type ArrivedCallback, factsOf, receiveCallback } from './receive-callback.ts'
import { storeArrived } from './store-arrived.ts'

export type CallbacksDeps = {
  db: Db
  region: string
  logger: Logger
  metrics: Metrics
  findPsp: FindPsp
  observer: Observer
  wakeRelay: () => void
  /** Operations are due at once. */
  wakeCalls: () => void
}

/** What the door answers. */
export type DoorAnswer = 'accepted' | 'unknown_psp' | 'bad_signature'

/** Callbacks of PSPs: stored when they arrive, applied afterwards. */
export type Callbacks = {
  /** Resolves once the callback is durable. */
  receive(callback: ArrivedCallback): Promise<DoorAnswer>
  /** Applies the facts again that were not applied. Returns whether there is such a callback. */
  reprocess(callbackId: string, accounts: readonly NamedAccount[] | null): Promise<boolean>
  stop(): Promise<void>
}

const MOST_FACTS = 200
const MOST_CALLBACKS = 200
const MOST_WAITING = 2_000
/** The longest pause between two statements that store callbacks, so that more share the next. */
const REST_MOST_MS = 10
/**
 * Callbacks of this time are applied together. Most of them repeat an answer that is being recorded
 * meanwhile, so that they find its payment ended and its row free.
 */
const GATHER_MS = 100
/** How far two rounds are apart while callbacks keep coming. */
const APART_MS = 250
const MISSED_PAUSE_MS = 10_000

/**
 * Starts to apply facts, of any instance: what a lost one stored is found by polling. Callbacks
 * that arrive together are stored by one statement, and applied together a moment afterwards.
 */
export function startCallbacks(deps: CallbacksDeps): Callbacks {
  const { db, findPsp, logger } = deps
  const observer = createCallbackObserver(deps)
  watchFacts(deps)
  const sweep = startApplying(deps, observer)
  const missed = runPeriodically({
    pauseMs: MISSED_PAUSE_MS,
    async work() {
      if (await wakeLatelyUnknown(db)) sweep.wake()
    },
    onFault: (err) => logger.error({ err }, 'could not look for facts that were missed'),
  })
  const store = createBatcher<NewCallback, StoredCallback>({
    process: (callbacks) => storeArrived({ db, findPsp }, callbacks),
    maxBatch: MOST_CALLBACKS,
    maxQueue: MOST_WAITING,
    isolate: true,
    restMostMs: REST_MOST_MS,
  })
  return {
    async receive(arrived) {
      const reception = receiveCallback(findPsp, arrived, Date.now())
      if (reception.kind === 'unknown_psp') return reception.kind
      const { psp } = arrived
      if (reception.kind === 'bad_signature') {
        observer.arrived(psp, 'bad_signature')
        return reception.kind
      }
      try {
        const { callback } = reception
        const { isDuplicate, isDue, repeats } = await store.submit(callback)
        observer.arrived(psp, isDuplicate ? 'duplicate' : 'stored')
        for (const fact of repeats) observer.repeated(callback, fact)
        if (isDue) sweep.gather()
      } catch (error) {
        observer.arrived(psp, 'not_stored')
        throw error
      }
      return 'accepted'
    },
    async reprocess(callbackId, accounts) {
      const read = ({ psp, body }: StoredBody) => {
        const found = findPsp(psp)
        return found === undefined ? [] : factsOf(found.adapter, body)
      }
      const isFound = await reprocessCallback(db, callbackId, read, accounts)
      if (isFound) sweep.wake()
      return isFound
    },
    async stop() {
      await missed.stop()
      await store.drain()
      await sweep.stop()
    },
  }
}

/** Wakes the sweep once for all that comes within the time of gathering. */
function createGather(sweep: Sweep): () => void {
  let until = 0
  return () => {
    const now = performance.now()
    if (now < until) return
    until = Math.max(now + GATHER_MS, until + APART_MS)
    sweep.wakeIn(until - now)
  }
}

/** The sweep of due facts; `gather` is called when some were stored. */
type Applying = Sweep & { gather(): void }

/** Applies due facts in batches; a fact that fails alone is parked. */
function startApplying(deps: CallbacksDeps, observer: CallbackObserver): Applying {
  const { db, logger } = deps
  let areStored = false
  const applying = { ...deps, jitter: Math.random }
  const report = (applied: AppliedFacts): void => {
    for (const outcome of applied.outcomes) observer.applied(outcome)
    for (const { facts, emission } of applied.emitted) deps.observer.emitted(facts, emission)
    if (applied.areEvents) deps.wakeRelay()
    if (applied.areDue) deps.wakeCalls()
    for (const { reporting, asked } of applied.asks) reporting.ask(asked)
    if (applied.dueInMs !== null) sweep.wakeIn(applied.dueInMs)
  }
  const applyAlone = async (key: FactKey): Promise<void> => {
    try {
      report(await applyFacts(applying, key))
    } catch (error) {
      if (isRetryable(error)) throw error
      await parkFact(db, key, 'internal_error')
      observer.failed(key, error)
    }
  }
  // One by one, so that a bad fact stops no other; a fault that may pass is thrown at the end.
  const applyEach = async (): Promise<void> => {
    const passing: unknown[] = []
    for (const key of await findDueFacts(db, MOST_FACTS)) {
      await applyAlone(key).catch((error: unknown) => passing.push(error))
    }
    if (passing.length > 0) throw passing[0]
  }
  const sweep = startSweep({
    logger,
    async round() {
      // Cheap for an idle instance; one that has just stored facts need not ask.
      const isBusy = areStored
      areStored = false
      if (!isBusy && (await findDueFacts(db, 1)).length === 0) return false
      try {
        const applied = await applyFacts(applying, { most: MOST_FACTS })
        report(applied)
        return applied.outcomes.length === MOST_FACTS
      } catch {
        await applyEach()
        return true
      }
    },
  })
  const gather = createGather(sweep)
  return {
    ...sweep,
    gather() {
      areStored = true
      gather()
    },
  }
}

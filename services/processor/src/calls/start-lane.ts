import type { CircuitMode } from '@caudal/outbound/breaker.ts'
import { createCircuits, type Circuits } from '@caudal/outbound/create-circuits.ts'
import { createOutbound, type Outbound } from '@caudal/outbound/create-outbound.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { PspState } from '../domain/psp-state.ts'
import type { PspAdapter } from '../psp/adapter.ts'
import { isPspFailure } from '../psp/circuit.ts'
import { createPspClient } from '../psp/psp-client.ts'
import type { PspSettings } from '../psp/psp-settings.ts'
import { countWaiting } from '../store/count-waiting.ts'
import { adoptUnnamed, type ClaimedPsp } from '../store/of-psp.ts'
import type { OperationTable } from '../store/operation-tables.ts'
import { createGate, type Gate, queryLimits } from './admission.ts'
import { callPsp, type PspCall, type PspCallResult, type PspPeer, refusedCall } from './call-psp.ts'
import type { Failover } from './failover.ts'
import type { Observer } from './observe.ts'
import { recordAnswers } from './record-answers.ts'
import { takeDue } from './take-due.ts'
import { createWaiting, type Waiting } from './waiting.ts'

export type LaneOptions = {
  table: OperationTable
  db: Db
  region: string
  psp: PspSettings
  adapter: PspAdapter
  /** Whose operations the lane takes. */
  claimed: ClaimedPsp
  state: () => PspState
  failover: Failover | null
  observer: Observer
  wakeRelay: () => void
  logger: Logger
  /** A place became free, or operations that waited were claimed. */
  onRoom: () => void
}

/**
 * The calls for the operations of one table: their connections, places, circuits and queue. A lane
 * that hangs or is full takes nothing from another.
 */
export type Lane = {
  gate: Gate
  waiting: Waiting
  circuits: Circuits<PspCallResult>
  outbound: Outbound<PspPeer, PspCall>
  inFlight(peer: PspPeer): number
  /** Waits for calls in flight, up to the configured time, and records their answers. */
  stop(): Promise<void>
}

/** Other instances record and claim operations too, so the count is renewed this often. */
const RECOUNT_MS = 1_000

/** Connects circuits, a client of the PSP, the engine of calls and the recording of answers. */
export function startLane(options: LaneOptions): Lane {
  const { table, db, region, psp, adapter, observer, wakeRelay, logger, onRoom } = options
  const { claimed, state, failover } = options
  const { policy, maxSends, maxQueries } = psp
  const client = createPspClient({ ...psp, adapter })
  const waiting = createWaiting()
  const recount = createRecount(options, waiting)
  const adopt = createAdoption(options)
  const wakeIn = (delayMs: number): void => outbound.wakeIn(delayMs)
  const jitter = Math.random
  const calls = { db, table, adapter, region, policy, jitter, observer, wakeRelay, wakeIn }
  const common = { ...calls, failover }
  const circuits = createPspCircuits(psp, observer, (mode) => {
    outbound.resume()
    if (mode === 'open') wakeIn(psp.circuit.pauseMs)
  })
  const shares = () => outbound.shares('execute')
  const gate = createGate({ circuits, shares, waitMs: policy.circuitWaitMs })
  const guard = {
    circuitMode: circuits.mode,
    circuitOf: (call: PspCall) => circuits.of(call.key),
    refused: (call: PspCall) => refusedCall({ client, observer }, call),
  }
  const outbound: Outbound<PspPeer, PspCall> = createOutbound({
    peers: { execute: { most: maxSends, guard }, query: { most: maxQueries } },
    async claim() {
      await adopt()
      const taken = await takeDue({
        ...common,
        psp: psp.name,
        claimed,
        state,
        gate,
        waiting,
        queryLimits: () => queryLimits(outbound.shares('query')),
      })
      if (taken.more) await recount()
      onRoom()
      return taken
    },
    call: (call) => callPsp({ client, observer }, call),
    record: (results) => recordAnswers(common, results),
    onCallFault: ({ facts }, fault) => observer.callFailed(facts, fault),
    onRecordFault(results, fault) {
      for (const { facts } of results) observer.recordFailed(facts, fault)
    },
    onRoom,
    logger,
  })
  return {
    gate,
    waiting,
    circuits,
    outbound,
    inFlight: (peer) => outbound.shares(peer).most - outbound.free(peer),
    async stop() {
      await outbound.stop(psp.drainMs)
      await client.close()
    },
  }
}

function createPspCircuits(
  { name, circuit }: PspSettings,
  observer: Observer,
  onChange: (mode: CircuitMode) => void,
): Circuits<PspCallResult> {
  return createCircuits<PspCallResult>({
    ...circuit,
    isFailure: (result) => result.kind === 'sent' && isPspFailure(result.sent),
    onChange(mode, key) {
      observer.circuitChanged(mode, { psp: name, key })
      onChange(mode)
    },
  })
}

/** Counts the operations that wait, at most once a second. */
function createRecount(
  { db, table, psp, claimed }: LaneOptions,
  waiting: Waiting,
): () => Promise<void> {
  let countedAt = Number.NEGATIVE_INFINITY
  return async () => {
    if (performance.now() - countedAt < RECOUNT_MS) return
    countedAt = performance.now()
    waiting.counted(await countWaiting(db, table, psp.maxWaiting, claimed))
  }
}

/** Takes over operations that name no PSP, at most once a second: only the default PSP does. */
function createAdoption({ db, table, claimed }: LaneOptions): () => Promise<void> {
  if (claimed === null || !claimed.isDefault) return () => Promise.resolve()
  let adoptedAt = Number.NEGATIVE_INFINITY
  return async () => {
    if (performance.now() - adoptedAt < RECOUNT_MS) return
    adoptedAt = performance.now()
    await adoptUnnamed(db, table, claimed.name)
  }
}

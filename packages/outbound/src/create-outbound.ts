import { type Cut, withDeadline } from '@caudal/retry/with-deadline.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { CircuitMode } from './breaker.ts'
import { createBulkhead, type PeerPlaces } from './bulkhead.ts'
import type { CallKey } from './call-key.ts'
import { admittedBy, type Circuit } from './circuit.ts'
import { createRecorder, type Recorder } from './create-recorder.ts'
import type { Deadline } from './deadline.ts'
import type { Shares } from './shares.ts'
import { startSweep } from './sweep.ts'

/** The circuits of a peer, and the result of a call that one of them refused. */
export interface Guard<C, R> {
  /** Of the whole peer. */
  circuitMode: () => CircuitMode
  /** The circuit of a call: that of the peer, or one of many (`createCircuits`). */
  circuitOf: (call: C) => Circuit<R>
  refused: (call: C) => R
}

/** One circuit for all calls of a peer. */
export function guardedBy<C, R>(circuit: Circuit<R>, refused: (call: C) => R): Guard<C, R> {
  return { circuitMode: circuit.mode, circuitOf: () => circuit, refused }
}

/** Limits the calls to one peer: by its places and, if it has a guard, by its circuits. */
export type PeerLimits<C, R> = PeerPlaces & { guard?: Guard<C, R> }

/** A call whose row is leased by this process; the lease is committed. */
export interface LeasedCall<P extends string> {
  peer: P
  /** The tenant and destination whose share of the places the call uses; without one, no share. */
  key?: CallKey
  /** For the whole call, which is aborted at its end. */
  deadline: Deadline
}

/** The result of a claim of due rows. */
export interface Claimed<C> {
  /** Calls to begin; their leases are committed. */
  calls: readonly C[]
  /** How many rows moved. */
  count: number
  /** Whether more rows may be due than were asked for. */
  more: boolean
  /** When rows that moved without a call are due again. */
  dueInMs?: readonly number[]
}

/** What the service supplies. C is a call, R its result; both name the row and its attempt. */
export interface OutboundOptions<P extends string, C extends LeasedCall<P>, R> {
  peers: Record<P, PeerLimits<C, R>>
  /**
   * Leases due rows in a transaction of its own, for each peer not more than may begin: its `room`,
   * `free` places or `shares`. A lease is a number on the row (its attempt) and a time after which
   * any process may claim it.
   */
  claim: () => Promise<Claimed<C>>
  /**
   * Makes the call; null when there is nothing to record, as when it began other calls. One that
   * rejects has no result: its row is claimed again after its lease. The signal aborts at the
   * deadline, and when a stop waits no longer.
   */
  call: (call: C, signal: AbortSignal) => Promise<R | null>
  /** The result of a call that rejected or was cut; null: none, its lease passes. */
  resultOfFault?: (call: C, fault: unknown) => R | null
  /**
   * Stores results, fenced by the row: a result of an attempt that is not the row's last one must
   * not overwrite what the later attempt did. If it rejects, it is given the same results again,
   * whole or one by one: those that it did store must then change nothing.
   */
  record: (results: readonly R[]) => Promise<void>
  recordBatch?: number
  /** See RecorderOptions. */
  gatherMs?: number
  /** After the result is stored, in the place of its call. */
  afterRecord?: (call: C, result: R) => Promise<void> | void
  onCallFault: (call: C, fault: unknown) => void
  /** These results could not be stored now; they are repeated until they are. */
  onRecordFault: (results: readonly R[], fault: unknown) => void
  /** A place became free, or a circuit changed and called `outbound.resume`. */
  onRoom?: () => void
  pollMs?: number
  logger: Logger
}

/** A running engine for outgoing calls. */
export interface Outbound<P extends string, C> {
  /** Begins calls whose leases are committed, such as those of a consumer's transaction. */
  begin(calls: readonly C[]): void
  /** Calls that may begin now: as many as places are free and the circuit admits. */
  room(peer: P): number
  /** Free places, regardless of the circuit; none after a stop. */
  free(peer: P): number
  circuitMode(peer: P): CircuitMode
  /** The places of the peer, as tenants and destinations share them. */
  shares(peer: P): Shares
  /** Due rows wait in the table that were not claimed for lack of room. */
  readonly backlog: boolean
  /** Records that due rows wait in the table. */
  addBacklog(): void
  /** Claims again if rows wait; for a circuit that changed. */
  resume(): void
  wakeIn(delayMs: number): void
  /** Stops claiming and waits for calls in flight, `drainMs` at most; then aborts them. */
  stop(drainMs: number): Promise<void>
}

/** A call settles by its own deadline; a timer may come a little before. */
const CUT_GRACE_MS = 50

/**
 * The engine for outgoing calls (ADR 0016): due rows are leased, called outside of any transaction
 * and recorded in batches. A row is called once per lease. A row whose process died is claimed
 * again when its lease is over, so the peer must know a repeat by its idempotency key.
 */
export function createOutbound<P extends string, C extends LeasedCall<P>, R>(
  options: OutboundOptions<P, C, R>,
): Outbound<P, C> {
  const bulkhead = createBulkhead(options.peers)
  const recorder = recorderOf(options, bulkhead.places)
  const circuitMode = (peer: P): CircuitMode => options.peers[peer].guard?.circuitMode() ?? 'closed'
  const cuts = new Set<Cut>()
  const sweep = startSweep({ ...options, round: claimDue })
  let backlog = true
  /** Rows were added since the claim under way began, which may not have seen them. */
  let wasAdded = false

  async function claimDue(): Promise<boolean> {
    wasAdded = false
    const { calls, count, more, dueInMs = [] } = await options.claim()
    backlog = more || wasAdded
    begin(calls)
    for (const delayMs of dueInMs) sweep.wakeIn(delayMs)
    return more && count > 0
  }

  function begin(calls: readonly C[]): void {
    for (const { peer, key } of calls) bulkhead.take(peer, key)
    for (const call of calls) void run(call)
  }

  async function run(call: C): Promise<void> {
    try {
      const result = await makeCall(options, call, cuts)
      if (result !== null && (await recorder.store(result))) {
        await options.afterRecord?.(call, result)
      }
    } catch (error) {
      options.onCallFault(call, error)
    } finally {
      bulkhead.release(call.peer, call.key)
      resume([call.peer])
    }
  }

  function resume(freed: readonly P[] = bulkhead.peers): void {
    if (backlog && freed.some(bulkhead.isWorthwhile)) sweep.wakeIn(0)
    options.onRoom?.()
  }

  return {
    begin,
    free: bulkhead.free,
    circuitMode,
    shares: bulkhead.shares,
    room: (peer) => admittedBy(circuitMode(peer), bulkhead.free(peer)),
    get backlog() {
      return backlog
    },
    addBacklog() {
      backlog = true
      wasAdded = true
      resume()
    },
    resume: () => resume(),
    wakeIn: (delayMs) => sweep.wakeIn(delayMs),
    async stop(drainMs) {
      await sweep.stop()
      await bulkhead.drain(drainMs)
      const recorded = recorder.stop()
      for (const cut of cuts) cut(new Error('the process stops'))
      await recorded
    },
  }
}

function recorderOf<P extends string, C extends LeasedCall<P>, R>(
  options: OutboundOptions<P, C, R>,
  places: number,
): Recorder<R> {
  return createRecorder<R>({
    record: options.record,
    maxBatch: options.recordBatch,
    // Calls of a consumer's batch may double those under way.
    maxQueue: 4 * places,
    gatherMs: options.gatherMs,
    onFault: options.onRecordFault,
  })
}

/** The call through its circuit, cut at its deadline; null when there is nothing to record. */
async function makeCall<P extends string, C extends LeasedCall<P>, R>(
  options: OutboundOptions<P, C, R>,
  call: C,
  cuts: Set<Cut>,
): Promise<R | null> {
  const { guard } = options.peers[call.peer]
  const mostMs = call.deadline.remainingMs() + CUT_GRACE_MS
  const make = (): Promise<R | null> =>
    withDeadline(mostMs, (signal) => options.call(call, signal), cuts)
  try {
    return guard ? await guard.circuitOf(call).run(make, () => guard.refused(call)) : await make()
  } catch (error) {
    options.onCallFault(call, error)
    return options.resultOfFault?.(call, error) ?? null
  }
}

import { withDeadline } from '@caudal/retry/with-deadline.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import { createBulkhead, type Places } from './bulkhead.ts'
import { admittedBy, type Circuit, type CircuitMode } from './circuit.ts'
import { createRecorder } from './create-recorder.ts'
import type { Deadline } from './deadline.ts'
import { startSweep } from './sweep.ts'

/** A peer is called through its own places (bulkhead) and its own circuit. */
export interface Peer<R> extends Places {
  circuit?: Circuit<R>
}

/** A call whose row is leased by this process; the lease is committed. */
export interface LeasedCall<P extends string> {
  peer: P
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
  peers: Record<P, Peer<R>>
  /**
   * Leases due rows in a transaction of its own: not more than `outbound.room(peer)` for each peer.
   * A lease is a number on the row (its attempt) and a time after which any process may claim it.
   */
  claim: () => Promise<Claimed<C>>
  /** Makes the call. One that rejects has no result: its row is claimed again after its lease. */
  call: (call: C, signal: AbortSignal) => Promise<R>
  /** The result of a call that the circuit refused. Needed with a circuit. */
  refused?: (call: C) => R
  /** The result of a call that rejected or was cut; null: none, its lease passes. */
  resultOfFault?: (call: C, fault: unknown) => R | null
  /**
   * Stores results, all or none, fenced by the row: a result of an attempt that is not the row's
   * last one must not overwrite what the later attempt did.
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
  /** Due rows wait in the table that were not claimed for lack of room. */
  readonly backlog: boolean
  /** Records that due rows wait in the table. */
  addBacklog(): void
  /** Claims again if rows wait; for a circuit that changed. */
  resume(): void
  wakeIn(delayMs: number): void
  /** Stops claiming and waits for calls in flight, `drainMs` at most. */
  stop(drainMs: number): Promise<void>
}

/** A call settles by its own deadline; a timer may come a little before. */
const CUT_GRACE_MS = 50

/**
 * The engine for outgoing calls (ADR 0010): due rows are leased, called outside of any transaction
 * and recorded in batches. A row is called once per lease. A row whose process died is claimed
 * again when its lease is over, so the peer must know a repeat by its idempotency key.
 */
export function createOutbound<P extends string, C extends LeasedCall<P>, R>(
  options: OutboundOptions<P, C, R>,
): Outbound<P, C> {
  const { peers, logger } = options
  const bulkhead = createBulkhead(peers)
  const recorder = createRecorder<R>({
    record: options.record,
    maxBatch: options.recordBatch,
    // Calls of a consumer's batch may double those under way.
    maxQueue: 4 * bulkhead.places,
    gatherMs: options.gatherMs,
    onFault: options.onRecordFault,
  })
  const circuitMode = (peer: P): CircuitMode => peers[peer].circuit?.mode() ?? 'closed'
  const sweep = startSweep({ pollMs: options.pollMs, logger, round: claimDue })
  let backlog = true

  async function claimDue(): Promise<boolean> {
    const { calls, count, more, dueInMs = [] } = await options.claim()
    backlog = more
    begin(calls)
    for (const delayMs of dueInMs) sweep.wakeIn(delayMs)
    return more && count > 0
  }

  function begin(calls: readonly C[]): void {
    for (const { peer } of calls) bulkhead.take(peer)
    for (const call of calls) void run(call)
  }

  async function run(call: C): Promise<void> {
    try {
      const result = await makeCall(options, call)
      if (result !== null && (await recorder.store(result))) {
        await options.afterRecord?.(call, result)
      }
    } catch (error) {
      options.onCallFault(call, error)
    } finally {
      bulkhead.release(call.peer)
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
    room: (peer) => admittedBy(circuitMode(peer), bulkhead.free(peer)),
    get backlog() {
      return backlog
    },
    addBacklog() {
      backlog = true
      resume()
    },
    resume: () => resume(),
    wakeIn: (delayMs) => sweep.wakeIn(delayMs),
    async stop(drainMs) {
      await sweep.stop()
      await bulkhead.drain(drainMs)
      await recorder.stop()
    },
  }
}

/** The call through its circuit, cut at its deadline; null when it has no result. */
async function makeCall<P extends string, C extends LeasedCall<P>, R>(
  options: OutboundOptions<P, C, R>,
  call: C,
): Promise<R | null> {
  const { circuit } = options.peers[call.peer]
  const { refused } = options
  const make = (): Promise<R> =>
    withDeadline(call.deadline.remainingMs() + CUT_GRACE_MS, (signal) => options.call(call, signal))
  try {
    return circuit && refused ? await circuit.run(make, () => refused(call)) : await make()
  } catch (error) {
    options.onCallFault(call, error)
    return options.resultOfFault?.(call, error) ?? null
  }
}

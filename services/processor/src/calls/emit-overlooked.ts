import { parseEvent } from '@caudal/contracts/parse-event.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import type { EventLog, LogRecord } from '@caudal/event-log/event-log.ts'
import { route } from '@caudal/event-log/router.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { type PeriodicWork, runPeriodically } from '@caudal/retry/run-periodically.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { PaymentFacts } from '../domain/operation-facts.ts'
import { createHandlers, orderBy } from '../messaging/handlers.ts'
import {
  type EarlyCancel,
  findConsumed,
  findEarlyCancels,
  keepSearched,
  type Offsets,
} from '../store/early-cancels.ts'
import { emitCanceled } from './record-refunds.ts'

const RECORDS_AT_ONCE = 1_000
const WAIT_MS = 1_000
const PAUSE_MS = 60_000
const PAYMENT_ID = /"payment_id"\s*:\s*"([^"]+)"/

type Deps = { db: Db; log: EventLog; region: string }

/** What a search found, and whether all that was consumed has been searched. */
export type OverlookedCancels = { emitted: number; isWhole: boolean }

/**
 * Emits early cancels whose request release 0.1.0 consumed, so that their holds are released: their
 * requests are searched in what was consumed of the log since. It goes in steps, each of which
 * keeps how far it came; `signal` ends it after the step under way. Each is emitted once, whichever
 * instance finds it.
 */
export async function emitOverlooked(
  { db, log, region }: Deps,
  signal: AbortSignal,
): Promise<OverlookedCancels> {
  const open = await findEarlyCancels(db)
  if (open.length === 0) return { emitted: 0, isWhole: true }
  const ids = new Set(open.map(({ paymentId }) => paymentId))
  const to = await findConsumed(db)
  const start = startOf(open)
  let range = { from: new Map([...to.keys()].map((at) => [at, start.get(at) ?? 0n])), to }
  let emitted = 0
  while (!signal.aborted) {
    const step = await searchStep(log, ids, range, signal)
    if (step === null) break
    await transaction(db, async (tx) => {
      await emitCanceled({ region }, tx, step.found)
      await keepSearched(tx, [...ids], step.searched)
    })
    emitted += step.found.length
    range = { from: step.searched, to }
  }
  return { emitted, isWhole: leftOf(range).length === 0 }
}

/** Where the first of them can be, by partition. */
function startOf(open: readonly EarlyCancel[]): Offsets {
  const partitions = new Set(open.flatMap(({ nextOffsets }) => [...nextOffsets.keys()]))
  const firstOf = (partition: number): bigint =>
    open
      .map(({ nextOffsets }) => nextOffsets.get(partition) ?? 0n)
      .reduce((first, offset) => (offset < first ? offset : first))
  return new Map([...partitions].map((partition) => [partition, firstOf(partition)]))
}

type Range = { from: Map<number, bigint>; to: Offsets }

/** The partitions that are not searched to the end, with the offset of the next record. */
function leftOf({ from, to }: Range): [number, bigint][] {
  return [...from].filter(([partition, offset]) => offset < to.get(partition)!)
}

/** Reads the topic once. Null if nothing is left, or nothing can be read now. */
async function searchStep(
  log: EventLog,
  ids: ReadonlySet<string>,
  range: Range,
  signal: AbortSignal,
): Promise<{ found: PaymentFacts[]; searched: Map<number, bigint> } | null> {
  const left = leftOf(range)
  if (left.length === 0) return null
  const records = await log.read(
    left.map(([partition, offset]) => ({ topic: TOPICS.fundsReserved, partition, offset })),
    {
      maxRecords: RECORDS_AT_ONCE,
      waitMs: WAIT_MS,
      signal: AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS * 10)]),
    },
  )
  if (records.length === 0) return null
  const found = new Map<string, PaymentFacts>()
  const searched = new Map(range.from)
  for (const record of records) {
    const { partition, offset } = record
    if (searched.get(partition)! >= range.to.get(partition)!) continue
    searched.set(partition, offset + 1n)
    const facts = ids.has(PAYMENT_ID.exec(record.value)?.[1] ?? '') ? factsOf(record) : null
    if (facts !== null) found.set(facts.paymentId, facts)
  }
  return { found: [...found.values()], searched }
}

const router = { handlers: createHandlers(), orderBy, group: 'processor', parse: parseEvent }

function factsOf(record: LogRecord): PaymentFacts | null {
  const routed = route(router, record)
  return routed.kind === 'work' && routed.work.kind === 'pay' ? routed.work.facts : null
}

/**
 * Does so when an instance starts, which in a rolling upgrade is after one of release 0.1.0 has
 * stopped. What could not be searched is searched again after a pause, until the service stops.
 */
export function emitOverlookedAtStart({
  logger,
  wakeRelay,
  ...deps
}: Deps & { logger: Logger; wakeRelay: () => void }): PeriodicWork {
  return runPeriodically({
    pauseMs: PAUSE_MS,
    async work(signal) {
      const { emitted, isWhole } = await emitOverlooked(deps, signal)
      if (emitted > 0) wakeRelay()
      return isWhole ? 'done' : undefined
    },
    onFault: (err) => logger.error({ err }, 'could not look for cancels of an earlier release'),
  })
}

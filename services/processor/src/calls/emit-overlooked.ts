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

/**
 * Emits early cancels whose request release 0.1.0 consumed, so that their holds are released: their
 * requests are searched in what was consumed of the log since. Returns how many there were. Each is
 * emitted once, whichever instance finds it.
 */
export async function emitOverlooked({ db, log, region }: Deps): Promise<number> {
  const open = await findEarlyCancels(db)
  if (open.length === 0) return 0
  const ids = new Set(open.map(({ paymentId }) => paymentId))
  const { found, searched } = await search(log, ids, startOf(open), await findConsumed(db))
  await transaction(db, async (tx) => {
    await emitCanceled({ region }, tx, found)
    await keepSearched(tx, [...ids], searched)
  })
  return found.length
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

/** Reads the topic between the offsets. What it cannot read now is left for the next search. */
async function search(
  log: EventLog,
  ids: ReadonlySet<string>,
  from: Offsets,
  to: Offsets,
): Promise<{ found: PaymentFacts[]; searched: Offsets }> {
  const found = new Map<string, PaymentFacts>()
  const searched = new Map([...to.keys()].map((at) => [at, from.get(at) ?? 0n]))
  const isLeft = (partition: number): boolean => searched.get(partition)! < to.get(partition)!
  for (;;) {
    const positions = [...searched]
      .filter(([partition]) => isLeft(partition))
      .map(([partition, offset]) => ({ topic: TOPICS.fundsReserved, partition, offset }))
    if (positions.length === 0) break
    const records = await log.read(positions, {
      maxRecords: RECORDS_AT_ONCE,
      waitMs: WAIT_MS,
      signal: AbortSignal.timeout(WAIT_MS * 10),
    })
    if (records.length === 0) break
    for (const record of records) {
      const { partition, offset } = record
      if (!isLeft(partition)) continue
      searched.set(partition, offset + 1n)
      const facts = ids.has(PAYMENT_ID.exec(record.value)?.[1] ?? '') ? factsOf(record) : null
      if (facts !== null) found.set(facts.paymentId, facts)
    }
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
 * stopped. A fault is followed by another try.
 */
export function emitOverlookedAtStart({
  logger,
  wakeRelay,
  ...deps
}: Deps & { logger: Logger; wakeRelay: () => void }): PeriodicWork {
  return runPeriodically({
    pauseMs: PAUSE_MS,
    async work() {
      if ((await emitOverlooked(deps)) > 0) wakeRelay()
      return 'done'
    },
    onFault: (err) => logger.error({ err }, 'could not look for cancels of an earlier release'),
  })
}

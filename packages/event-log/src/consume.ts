import { setTimeout as delay } from 'node:timers/promises'
import type { ParseEvent } from '@caudal/contracts/parse-event.ts'
import { crashPoint } from '@caudal/crash-points/crash-point.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { backoffMs } from '@caudal/retry/backoff-ms.ts'
import { describeFailures } from '@caudal/retry/describe-fault.ts'
import { type PeriodicWork, runPeriodically } from '@caudal/retry/run-periodically.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { actorOfRecord } from './actor-of-record.ts'
import { isOffsetsMoved, positionKey, positionList, type Positions } from './advance-offsets.ts'
import { applyBatch, applyOrPark, type ConsumeTarget, type ProcessWork } from './apply-batch.ts'
import { checkPositions } from './check-positions.ts'
import { LOCAL_SOURCE } from './consumer-id.ts'
import { type ConsumerMetrics, createConsumerMetrics } from './consumer-metrics.ts'
import type { EventLog, LogRecord, Membership, TopicPartition } from './event-log.ts'
import { loadPositions } from './load-positions.ts'
import { nameOrderKeys } from './name-order-keys.ts'
import { checkOrderBy, type OrderBy } from './order-key.ts'
import type { Parked } from './park-error.ts'
import { countParked, NOTHING_PARKED, type ParkedCounts } from './park-records.ts'
import { retryParked } from './retry-parked.ts'
import { type Handlers, topicsOf } from './router.ts'
import { storableCause } from './storable.ts'
import { makeNewerDue } from './take-due-parked.ts'

export type ConsumeOptions<W> = {
  log: EventLog
  db: Db
  /** The service's name: one group a service. */
  group: string
  /** The name of the log, where it is not the region's own. */
  source?: string
  /** The types of events that the service consumes. */
  handlers: Handlers<W>
  /** What the consumer keeps in order, for each of its topics. */
  orderBy: OrderBy
  /** Default: by the catalogue of this release. */
  parse?: ParseEvent
  /** Default: the topics of these types. */
  topics?: readonly string[]
  /** The spine: takes the work of a batch. */
  process: ProcessWork<W>
  /** Called after each commit, for example to wake the relay. */
  afterCommit?: () => void
  /** How many records are wanted now, 0 to pause; `wake` asks again. Default: no bound. */
  capacity?: () => number
  maxRecords?: number
  logger: Logger
  metrics: Metrics
}

const MAX_RECORDS = 1_000
const POLL_MS = 1_000
const RETRY_PARKED_MS = 500
/** Another process or an operator may park a record or make it due again. */
const RECOUNT_PARKED_MS = 10_000
const REPORT_EVERY_MS = 3_000
const BACKOFF = { baseMs: 200, mostMs: 5_000 }
const BREATH_MOST_MS = 100
/** A batch that fails this often for no known reason is applied record by record. */
const TRIES_BEFORE_SPLIT = 3

/**
 * Consumes topics with exactly-once effects: a batch, its effects and its offsets are one
 * transaction (ADR 0002), even where records are delivered twice or another consumer reads them
 * too. It recovers from every fault by itself; a record that cannot be processed is parked (rule
 * 11).
 *
 * @throws {EventLogError} when the positions in the database are not of this log
 */
export async function consume<W>(options: ConsumeOptions<W>): Promise<Consumer> {
  const consumer = new RunningConsumer(options)
  await consumer.start()
  return consumer
}

/** A running consumer; made by `consume`. */
export interface Consumer {
  /** Ends the wait under way and asks for the capacity again. */
  wake(): void
  /** Open parked records of each kind, as counted last. */
  parkedCounts(): Readonly<ParkedCounts>
  /** All of them. */
  parkedCount(): number
  /** Why the last read or the last transaction failed, without addresses or SQL. */
  failure(): string | undefined
  /** Ends the batch under way, then leaves the group. */
  stop(): Promise<void>
}

class RunningConsumer<W> implements Consumer {
  readonly #options: ConsumeOptions<W>
  readonly #target: ConsumeTarget<W>
  readonly #counters: ConsumerMetrics
  readonly #stopping = new AbortController()
  /** Aborts the wait under way: a read without news, or a pause. */
  #waiting = new AbortController()
  #membership: Membership | undefined
  #loop: Promise<void> = Promise.resolve()
  #periodic: PeriodicWork[] = []
  #assigned: readonly TopicPartition[] = []
  #positions: Positions = new Map()
  #stale = true
  #started = false
  #parked: ParkedCounts = { ...NOTHING_PARKED }
  /** Not before the first count, and not after one that failed. */
  #isParkedKnown = false
  #parkedCountedAt = Number.NEGATIVE_INFINITY
  /** Grows with each parking and each count: a count that began before it is out of date. */
  #parkedGeneration = 0
  #reported: Positions = new Map()
  #failures = 0
  #lastFault: unknown
  #failedBatches = 0

  constructor(options: ConsumeOptions<W>) {
    this.#options = options
    const { db, group, source = LOCAL_SOURCE, handlers, orderBy, parse, process } = options
    this.#target = { db, group, source, handlers, orderBy, parse, process }
    this.#counters = createConsumerMetrics(options, {
      positions: () => this.#positions,
      parked: () => (this.#isParkedKnown ? this.#parked : undefined),
    })
  }

  async start(): Promise<void> {
    const { log, db, group, handlers, orderBy, topics = topicsOf(handlers) } = this.#options
    checkOrderBy(orderBy, topics)
    await checkPositions(db, log, this.#target, topics)
    this.#membership = await log.join(group, topics, (partitions) => {
      this.#assigned = partitions
      this.#stale = true
      this.wake()
    })
    this.#loop = this.#consumeUntilStopped()
    this.#periodic = [
      runPeriodically({
        pauseMs: RETRY_PARKED_MS,
        work: () => this.#retryParked(),
        onFault: (err) => this.#options.logger.warn({ err }, 'could not retry parked records'),
      }),
      runPeriodically({
        pauseMs: REPORT_EVERY_MS,
        work: () => this.#report(),
        onFault: (err) => this.#options.logger.warn({ err }, 'could not report the positions'),
      }),
    ]
  }

  wake(): void {
    this.#waiting.abort()
  }

  parkedCounts(): Readonly<ParkedCounts> {
    return this.#parked
  }

  parkedCount(): number {
    return Object.values(this.#parked).reduce((sum, count) => sum + count, 0)
  }

  failure(): string | undefined {
    return describeFailures(this.#failures, this.#lastFault)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.wake()
    await this.#loop
    await Promise.all(this.#periodic.map((work) => work.stop()))
    await this.#report()
    await this.#membership?.leave()
  }

  async #consumeUntilStopped(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#waiting = new AbortController()
      try {
        await this.#step(this.#waiting.signal)
        this.#failures = 0
      } catch (error) {
        await this.#recover(error)
      }
    }
  }

  async #step(signal: AbortSignal): Promise<void> {
    if (this.#stale) await this.#reload()
    const { log, capacity, maxRecords = MAX_RECORDS } = this.#options
    const wanted = Math.min(maxRecords, capacity ? capacity() : maxRecords)
    if (this.#positions.size === 0 || wanted <= 0) return pause(POLL_MS, signal)
    const records = await log.read(positionList(this.#positions), {
      maxRecords: wanted,
      waitMs: POLL_MS,
      signal,
    })
    // Read under an assignment that has changed since: the present owner reads them again.
    if (records.length === 0 || this.#stale) return
    const startedAt = performance.now()
    try {
      await this.#apply(records)
      this.#failedBatches = 0
    } catch (error) {
      if (!isOffsetsMoved(error)) this.#failedBatches += 1
      throw error
    }
    if (records.length < wanted) await breathe(startedAt, this.#stopping.signal)
  }

  async #apply(records: readonly LogRecord[]): Promise<void> {
    const split = this.#failedBatches >= TRIES_BEFORE_SPLIT
    for (const batch of split ? records.map((record) => [record]) : [records]) {
      const { parked, afterCommit, skipped } = split
        ? await applyOrPark(this.#target, batch[0]!, this.#positions)
        : await applyBatch(this.#target, batch, this.#positions)
      for (const { topic, partition, offset } of batch) {
        this.#positions.set(positionKey(topic, partition), offset + 1n)
      }
      this.#counters.applied(batch)
      this.#counters.skipped(skipped)
      if (parked.length > 0) this.#reportParked(parked)
      afterCommit?.()
      this.#options.afterCommit?.()
    }
  }

  async #reload(): Promise<void> {
    const { db, log } = this.#options
    this.#stale = false
    try {
      // A start may be a deploy of the release that knows what an older one could not read.
      if (!this.#started) {
        await nameOrderKeys(this.#target)
        await makeNewerDue(db, this.#target)
      }
      this.#started = true
      this.#positions = await loadPositions(db, log, this.#target, this.#assigned)
      await this.#countParked()
    } catch (error) {
      this.#stale = true
      throw error
    }
  }

  async #recover(error: unknown): Promise<void> {
    const { logger, group } = this.#options
    this.#stale = true // after a COMMIT of unknown outcome, the stored offsets show it
    if (isOffsetsMoved(error)) {
      this.#counters.offsetsMoved()
      logger.warn({ group }, 'another consumer moved the offsets; loading them again')
      return
    }
    this.#failures += 1
    this.#lastFault = error
    this.#counters.failed()
    logger.error({ err: error, group, failures: this.#failures }, 'could not apply a batch')
    await pause(backoffMs(BACKOFF, this.#failures, Math.random()), this.#stopping.signal)
  }

  #reportParked(parked: readonly Parked[]): void {
    this.#parkedGeneration += 1
    for (const { record, kind, cause } of parked) {
      const { topic, partition, offset } = record
      this.#parked[kind] += 1
      this.#counters.parkedOne(kind)
      const { logger, parse } = this.#options
      const where = { topic, partition, offset: String(offset) }
      const actor = actorOfRecord(record, parse)
      const what = { ...where, actor, kind, cause: storableCause(cause) }
      if (kind === 'unprocessable') logger.error(what, 'parked a record')
      else logger.warn(what, 'parked a record')
    }
  }

  /** The database has the group's positions; the log gets them for displays of lag only. */
  async #report(): Promise<void> {
    const now = new Map(this.#positions)
    const moved = [...now].filter(([key, offset]) => this.#reported.get(key) !== offset)
    if (moved.length === 0) return
    crashPoint('before', 'report')
    if (await this.#membership!.report(positionList(new Map(moved)))) this.#reported = now
    crashPoint('after', 'report')
  }

  async #retryParked(): Promise<void> {
    const { signal } = this.#stopping
    if (signal.aborted) return
    const isCountDue = performance.now() - this.#parkedCountedAt >= RECOUNT_PARKED_MS
    if (this.parkedCount() === 0 && isCountDue) await this.#countParked()
    if (this.parkedCount() === 0) return
    try {
      await nameOrderKeys(this.#target)
      const processed = await retryParked(this.#target, () => signal.aborted)
      if (processed > 0) this.#options.afterCommit?.()
    } finally {
      await this.#countParked()
    }
  }

  /** A record that is parked while the database counts may be missing from the result. */
  async #countParked(): Promise<void> {
    const generation = (this.#parkedGeneration += 1)
    const counts = await countParked(this.#options.db, this.#target).catch((error: unknown) => {
      this.#isParkedKnown = false
      throw error
    })
    this.#isParkedKnown = true
    if (generation !== this.#parkedGeneration) return
    this.#parked = counts
    this.#parkedCountedAt = performance.now()
  }
}

/**
 * Waits twice as long as the batch took, 100 ms at most: what arrives meanwhile shares the next
 * transaction. It costs an idle machine little, and a busy one less per record (ADR 0010).
 */
async function breathe(startedAt: number, signal: AbortSignal): Promise<void> {
  await pause(Math.min(BREATH_MOST_MS, 2 * (performance.now() - startedAt)), signal)
}

/** Waits, or less when aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {})
}

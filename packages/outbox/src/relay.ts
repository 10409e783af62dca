import { setTimeout as delay } from 'node:timers/promises'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { clientConfig } from '@caudal/postgres/client-config.ts'
import { backoffMs } from '@caudal/retry/backoff-ms.ts'
import { describeFailures } from '@caudal/retry/describe-fault.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import pg from 'pg'
import type { OutboxProgress } from './outbox-progress.ts'
import { BATCH_ROWS, loadProgress, publishBatch } from './publish-batch.ts'
import { createRelayMetrics, type RelayMetrics } from './relay-metrics.ts'

export type RelayOptions = {
  /** The service's own database. */
  url: string
  log: EventLog
  logger: Logger
  metrics: Metrics
}

const POLL_MS = 1_000
const STAND_BY_MS = 500
const BREATH_MOST_MS = 50
const ROTATE_EVERY_MS = 10_000
/**
 * A leader that hangs is replaced: the server ends its session, and with it the lock. One that only
 * waits long for the log sends a sign of life.
 */
const HANGS_AFTER_MS = 10_000
const SIGN_OF_LIFE_MS = 3_000
/**
 * A plan that was made when the outbox was empty is kept, and would read all of it to find the rows
 * of a gap.
 */
export const RELAY_SESSION = `-c idle_session_timeout=${HANGS_AFTER_MS} -c enable_seqscan=off`
const BACKOFF = { baseMs: 100, mostMs: 5_000 }

/**
 * Starts the relay that publishes the service's outbox, at least once and in order per key (F3).
 * One relay of a database is active: it holds an advisory lock on the connection that it reads and
 * marks with, so one that lost its connection can no longer mark.
 */
export function startRelay(options: RelayOptions): Relay {
  const relay = new Relay(options)
  relay.start()
  return relay
}

/** A running relay; made by `startRelay`. */
export class Relay {
  readonly #options: RelayOptions
  readonly #counters: RelayMetrics
  readonly #stopping = new AbortController()
  #waiting = new AbortController()
  #news = true
  #client: pg.Client | undefined
  #progress: OutboxProgress = { publishedTo: 0, gaps: [] }
  #running: Promise<void> = Promise.resolve()
  #rotatedAtMs = 0
  #failures = 0
  #lastFault: unknown
  #idleListeners: (() => void)[] = []

  constructor(options: RelayOptions) {
    this.#options = options
    this.#counters = createRelayMetrics(options.metrics, () => this.#client)
  }

  start(): void {
    this.#running = this.#runUntilStopped()
  }

  /** Events were committed to the outbox: publishes them without waiting for the next poll. */
  wake(): void {
    this.#news = true
    this.#waiting.abort()
  }

  /** Why its last pass failed, without addresses or SQL. */
  failure(): string | undefined {
    return describeFailures(this.#failures, this.#lastFault)
  }

  /** Resolves when a pass finds nothing more to publish, or after the time-out. */
  async drained(timeoutMs: number): Promise<void> {
    const idle = new Promise<void>((resolve) => this.#idleListeners.push(resolve))
    this.wake()
    await Promise.race([idle, delay(timeoutMs, undefined, { ref: false })])
  }

  /** Ends the pass under way and releases the lock. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#waiting.abort()
    await this.#running
    await this.#disconnect()
  }

  async #runUntilStopped(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        if (await this.#lead()) await this.#pass()
        else await pause(STAND_BY_MS, signal)
        this.#failures = 0
      } catch (error) {
        this.#failures += 1
        this.#lastFault = error
        this.#counters.failed()
        this.#options.logger.error({ err: error, failures: this.#failures }, 'the relay failed')
        await this.#disconnect()
        await pause(backoffMs(BACKOFF, this.#failures, Math.random()), signal)
      }
    }
  }

  async #pass(): Promise<void> {
    await this.#rotateNowAndThen()
    this.#news = false
    this.#waiting = new AbortController()
    const client = this.#client!
    const startedAt = performance.now()
    const alive = setInterval(() => {
      client.query('SELECT 1').catch(() => {})
    }, SIGN_OF_LIFE_MS)
    const { records, oldestAt, progress } = await publishBatch(
      client,
      this.#options.log,
      this.#progress,
    ).finally(() => clearInterval(alive))
    this.#progress = progress
    if (oldestAt) this.#counters.published(records, Date.now() - oldestAt.getTime())
    if (records.length >= BATCH_ROWS) return
    if (records.length === 0) {
      for (const idle of this.#idleListeners.splice(0)) idle()
    } else {
      // Twice as long as the pass took, 50 ms at most: what is committed meanwhile shares the next.
      const breathMs = Math.min(BREATH_MOST_MS, 2 * (performance.now() - startedAt))
      await pause(breathMs, this.#stopping.signal)
    }
    if (!this.#news) await pause(POLL_MS, this.#waiting.signal)
  }

  /** Connects and takes the lock where that is not done yet; false while another relay leads. */
  async #lead(): Promise<boolean> {
    if (this.#client) return true
    const client = new pg.Client(
      clientConfig(this.#options.url, { applicationName: 'caudal-relay', options: RELAY_SESSION }),
    )
    const lost = (): void => {
      if (this.#client === client) this.#client = undefined
    }
    client.on('error', lost)
    client.on('end', lost)
    try {
      await client.connect()
      const { rows } = await client.query<{ locked: boolean }>(
        `SELECT pg_try_advisory_lock(hashtext('caudal_relay')) AS locked`,
      )
      if (rows[0]?.locked) {
        this.#progress = await loadProgress(client)
        this.#client = client
      }
    } finally {
      if (this.#client !== client) await client.end().catch(() => {})
    }
    return this.#client === client
  }

  async #rotateNowAndThen(): Promise<void> {
    if (Date.now() - this.#rotatedAtMs < ROTATE_EVERY_MS) return
    await this.#client!.query('SELECT rotate_outbox()')
    this.#rotatedAtMs = Date.now()
  }

  async #disconnect(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    await client?.end().catch(() => {})
  }
}

/** Waits, or less when aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {})
}

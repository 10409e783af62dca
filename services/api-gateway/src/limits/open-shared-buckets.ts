import { hash } from 'node:crypto'
import { type PeriodicWork, runPeriodically } from '@caudal/retry/run-periodically.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { Redis } from 'ioredis'
import { TAKE_SHARED_TOKENS } from './take-shared-tokens.ts'

export interface SharedBuckets {
  /**
   * As TokenBuckets, over all gateways. Undefined while Redis is turned off, and the promise's
   * value if Redis does not answer in time: the caller's own bucket decides alone.
   */
  take(key: string, cost: number): Promise<number | undefined> | undefined
  /** Whether Redis is in use now. */
  shared(): boolean
  close(): Promise<void>
}

export interface SharedBucketsOptions {
  url: string
  ratePerSecond: number
  burst: number
  /** The longest that a request waits for Redis. */
  timeoutMs: number
  logger: Logger
  metrics: Metrics
}

type Waiting = { key: string; cost: number; resolve: (waitSeconds: number | undefined) => void }

/** One hash slot of a Redis cluster: a script may only touch the keys of one. */
const PREFIX = '{caudal-rate}'
const PROBE = `${PREFIX}:probe`
/** Keys of one script, which blocks Redis for less than a millisecond. */
const MAX_BATCH = 250
const CONNECT_TIMEOUT_MS = 2_000
const RETRY_MS = 500

/**
 * The buckets that all gateways share (P1, F7), in Redis. They are optional: the first error or
 * late answer turns them off, so that a dead server delays requests by one deadline at most, and a
 * probe in the background turns them on again. Requests that arrive together share a round trip.
 */
export function openSharedBuckets(options: SharedBucketsOptions): SharedBuckets {
  return new RedisBuckets(options)
}

class RedisBuckets implements SharedBuckets {
  readonly #options: SharedBucketsOptions
  readonly #redis: Redis
  readonly #closing = new AbortController()
  readonly #missed: (reason: string) => void
  #waiting: Waiting[] = []
  #shared = false
  /** The change to counting alone is logged once. */
  #unsharedLogged = false
  #probing: PeriodicWork

  constructor(options: SharedBucketsOptions) {
    this.#options = options
    const { metrics } = options
    const missed = metrics.counter(
      'gateway_rate_limit_unshared_total',
      'Requests whose rate was counted by this process alone.',
      ['reason'],
    )
    this.#missed = (reason) => missed.inc({ reason })
    metrics.gauge('gateway_rate_limit_shared', '1 while all gateways share limits.', [], (gauge) =>
      gauge.set(this.#shared ? 1 : 0),
    )
    this.#redis = new Redis(options.url, {
      connectionName: 'caudal-api-gateway',
      // A request is answered at once or not at all: no request waits for a connection.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      connectTimeout: CONNECT_TIMEOUT_MS,
      retryStrategy: () => RETRY_MS,
    })
    // A close follows each error, and the probe that fails meanwhile logs it.
    this.#redis.on('error', () => {})
    this.#redis.on('close', () => this.#turnOff(new Error('lost the connection to Redis')))
    this.#probing = this.#probeUntilShared()
  }

  shared(): boolean {
    return this.#shared
  }

  take(key: string, cost: number): Promise<number | undefined> | undefined {
    if (!this.#shared) {
      this.#missed('off')
      return undefined
    }
    const { promise, resolve } = Promise.withResolvers<number | undefined>()
    if (this.#waiting.length === 0) setImmediate(() => this.#send())
    // Hashed: a subject may be long, and Redis does not need it.
    this.#waiting.push({ key: `${PREFIX}:${hash('sha1', key, 'base64url')}`, cost, resolve })
    return promise
  }

  async close(): Promise<void> {
    this.#shared = false
    this.#closing.abort()
    this.#redis.disconnect()
    await this.#probing.stop()
  }

  #send(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (let start = 0; start < waiting.length; start += MAX_BATCH) {
      void this.#sendBatch(waiting.slice(start, start + MAX_BATCH))
    }
  }

  async #sendBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      const waits = await this.#run(batch)
      for (const [index, { resolve }] of batch.entries()) resolve(waits[index])
    } catch (error) {
      this.#turnOff(error)
      for (const { resolve } of batch) {
        this.#missed(reasonOf(error))
        resolve(undefined)
      }
    }
  }

  /** Seconds to wait, for each key. */
  async #run(asked: readonly Pick<Waiting, 'key' | 'cost'>[]): Promise<number[]> {
    const { ratePerSecond, burst, timeoutMs } = this.#options
    const { promise: late, reject } = Promise.withResolvers<never>()
    // An answer that arrived while this process was busy is not late: it is read first.
    const timer = setTimeout(() => setImmediate(() => reject(new LateError())), timeoutMs)
    // The script is sent each time: 1 KB, and no second round trip after a restart of the server.
    const call = this.#redis.eval(
      TAKE_SHARED_TOKENS,
      asked.length,
      ...asked.map(({ key }) => key),
      String(ratePerSecond),
      String(burst),
      ...asked.map(({ cost }) => String(cost)),
    )
    call.catch(() => {}) // It may fail long after the deadline.
    try {
      const waits = (await Promise.race([call, late])) as number[]
      return waits.map((microseconds) => microseconds / 1_000_000)
    } finally {
      clearTimeout(timer)
    }
  }

  #turnOff(error: unknown): void {
    if (!this.#shared) return
    this.#shared = false
    this.#logUnshared(error)
    this.#probing = this.#probeUntilShared()
  }

  #logUnshared(error: unknown): void {
    this.#unsharedLogged = true
    const reason = reasonOf(error)
    this.#options.logger.warn({ err: error, reason }, 'rate limits are now counted by each process')
  }

  #probeUntilShared(): PeriodicWork {
    return runPeriodically({
      pauseMs: RETRY_MS,
      work: () => this.#probe(),
      onFault: (error) => {
        if (this.#closing.signal.aborted) return
        if (!this.#unsharedLogged) this.#logUnshared(error)
        // A connection without answers is closed: the next one may reach another server.
        if (error instanceof LateError) this.#redis.disconnect(true)
      },
    })
  }

  async #probe(): Promise<'done'> {
    await this.#connected()
    await this.#run([{ key: PROBE, cost: 1 }])
    if (this.#closing.signal.aborted) return 'done'
    this.#shared = true
    this.#unsharedLogged = false
    this.#options.logger.info('rate limits are shared with the other gateways')
    return 'done'
  }

  /** Waits for a connection, a second at most; the client reconnects by itself. */
  async #connected(): Promise<void> {
    if (this.#redis.status === 'ready') return
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#redis.off('ready', done)
        this.#closing.signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, CONNECT_TIMEOUT_MS)
      this.#redis.once('ready', done)
      this.#closing.signal.addEventListener('abort', done)
    })
    // Connected, but not ready: such a server is treated like one that does not answer.
    if (this.#redis.status === 'connect') throw new LateError()
  }
}

class LateError extends Error {
  override readonly name = 'LateError'
  readonly code = 'REDIS_LATE'
  readonly retryable = true

  constructor() {
    super('Redis did not answer in time')
  }
}

/** The label of the metric: why Redis gave no answer. */
function reasonOf(error: unknown): string {
  if (error instanceof LateError) return 'late'
  return error instanceof Error && error.name === 'ReplyError' ? 'refused' : 'unreachable'
}

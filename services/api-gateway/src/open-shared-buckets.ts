import { hash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { Redis } from 'ioredis'
import { TAKE_SHARED_TOKENS } from './take-shared-tokens.ts'

export interface SharedBuckets {
  /**
   * As TokenBuckets, over all gateways. Undefined while Redis is turned off, and the promise's
   * value when it does not say in time: the caller's own bucket decides alone.
   */
  take(key: string): Promise<number | undefined> | undefined
  /** Whether Redis is asked now. */
  shared(): boolean
  close(): Promise<void>
}

export interface SharedBucketsOptions {
  url: string
  ratePerSecond: number
  burst: number
  /** How long a request waits for Redis at most. */
  timeoutMs: number
  logger: Logger
  metrics: Metrics
}

type Waiting = { key: string; resolve: (waitSeconds: number | undefined) => void }

/** One slot, should the server be a cluster: a script may only touch keys of one. */
const PREFIX = '{caudal-rate}'
const PROBE = `${PREFIX}:probe`
/** Keys of one script: it holds up everybody else's for less than a millisecond. */
const MAX_BATCH = 250
const CONNECT_TIMEOUT_MS = 2_000
const RETRY_MS = 500

/**
 * The buckets that all gateways share (P1, F7), in Redis and of no importance: the first error or
 * late answer turns them off, so that a dead server costs nobody more than one deadline, and a
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
  /** That they are not shared is said once. */
  #told = false
  #probing: Promise<void>

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
      // A request is answered now or not at all: nothing waits for a connection.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      connectTimeout: CONNECT_TIMEOUT_MS,
      retryStrategy: () => RETRY_MS,
    })
    // Each is followed by a close, and told by the probe that fails meanwhile.
    this.#redis.on('error', () => {})
    this.#redis.on('close', () => this.#turnOff(new Error('the connection to Redis is gone')))
    this.#probing = this.#probeUntilShared()
  }

  shared(): boolean {
    return this.#shared
  }

  take(key: string): Promise<number | undefined> | undefined {
    if (!this.#shared) {
      this.#missed('off')
      return undefined
    }
    const { promise, resolve } = Promise.withResolvers<number | undefined>()
    if (this.#waiting.length === 0) setImmediate(() => this.#send())
    // Hashed: a subject may be long, and Redis need not know it.
    this.#waiting.push({ key: `${PREFIX}:${hash('sha1', key, 'base64url')}`, resolve })
    return promise
  }

  async close(): Promise<void> {
    this.#shared = false
    this.#closing.abort()
    this.#redis.disconnect()
    await this.#probing
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
      const waits = await this.#run(batch.map(({ key }) => key))
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
  async #run(keys: readonly string[]): Promise<number[]> {
    const { ratePerSecond, burst, timeoutMs } = this.#options
    const { promise: late, reject } = Promise.withResolvers<never>()
    // An answer that has arrived while this process was busy is not late: it is read first.
    const timer = setTimeout(() => setImmediate(() => reject(new LateError())), timeoutMs)
    // With its text every time: 800 bytes, and no second round trip after a restart of the server.
    const call = this.#redis.eval(
      TAKE_SHARED_TOKENS,
      keys.length,
      ...keys,
      String(ratePerSecond),
      String(burst),
    )
    call.catch(() => {}) // it may be cut off long after it was late
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
    this.#tellApart(error)
    this.#probing = this.#probeUntilShared()
  }

  #tellApart(error: unknown): void {
    this.#told = true
    const reason = reasonOf(error)
    this.#options.logger.warn({ err: error, reason }, 'rate limits are counted by each process now')
  }

  async #probeUntilShared(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        await this.#connected()
        await this.#run([PROBE])
        if (signal.aborted) return
        this.#shared = true
        this.#told = false
        this.#options.logger.info('rate limits are shared with the other gateways')
        return
      } catch (error) {
        if (!this.#told && !signal.aborted) this.#tellApart(error)
        // A connection on which nothing comes back is given up: the next may reach another server.
        if (error instanceof LateError) this.#redis.disconnect(true)
        await delay(RETRY_MS, undefined, { signal }).catch(() => {})
      }
    }
  }

  /** Waits for a connection, a second at most; it is made again and again by itself. */
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
    // Connected, but never asked in: such a server is given up as a silent one is.
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

/** Few words, for a label: what Redis refused, or how it could not be asked. */
function reasonOf(error: unknown): string {
  if (error instanceof LateError) return 'late'
  return error instanceof Error && error.name === 'ReplyError' ? 'refused' : 'unreachable'
}

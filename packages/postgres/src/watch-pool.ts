import type { Metrics } from '@caudal/telemetry/metrics.ts'
import type pg from 'pg'

type Callback = (...results: unknown[]) => void
type AnyFunction = (...args: unknown[]) => unknown

const MS_PER_SECOND = 1_000
/** Statements that open and end transactions, by their first word; others have a name. */
const TRANSACTION = /^(begin|commit|rollback)\b/i

/**
 * Measures a pool: its connections by state, how long a request waits for one, and the time of each
 * query by its name. A query without a name is `other`, so that no text becomes a series.
 */
export function watchPool(pool: pg.Pool, name: string, metrics: Metrics): void {
  const labels = ['pool'] as const
  const waits = metrics
    .histogram('db_pool_wait_seconds', 'Time until a connection of the pool is free.', labels)
    .labels(name)
  watchedPools(metrics).push({ name, pool })
  const connect = pool.connect.bind(pool) as AnyFunction
  const timed = (callback?: Callback): unknown => {
    const startedAt = performance.now()
    const end = (): void => waits.observe((performance.now() - startedAt) / MS_PER_SECOND)
    if (callback === undefined) return observed(connect(), end)
    return connect((...results: unknown[]) => {
      end()
      callback(...results)
    })
  }
  Object.assign(pool, { connect: timed })
  const observe = queryObserver(metrics)
  pool.on('connect', (client) => timeQueries(client, observe))
}

type Watched = { name: string; pool: pg.Pool }
const watched = new WeakMap<Metrics, Watched[]>()

/** The pools of a service, which share the gauge of their connections. */
function watchedPools(metrics: Metrics): Watched[] {
  const known = watched.get(metrics)
  if (known !== undefined) return known
  const pools: Watched[] = []
  watched.set(metrics, pools)
  metrics.gauge(
    'db_pool_connections',
    'Connections of a pool, and requests that wait for one.',
    ['pool', 'state'],
    (gauge) => {
      for (const { name, pool } of pools) {
        if (pool.ended) continue
        gauge.set({ pool: name, state: 'used' }, pool.totalCount - pool.idleCount)
        gauge.set({ pool: name, state: 'idle' }, pool.idleCount)
        gauge.set({ pool: name, state: 'waiting' }, pool.waitingCount)
      }
    },
  )
  return pools
}

type Observe = (query: string, startedAtMs: number) => void

function queryObserver(metrics: Metrics): Observe {
  const seconds = metrics.histogram(
    'db_query_duration_seconds',
    'From sending a query to its result, by its name.',
    ['query'],
  )
  // Finding a series by its labels costs more than observing, so each is looked up once.
  const series = new Map<string, { observe(value: number): void }>()
  return (query, startedAtMs) => {
    let one = series.get(query)
    if (one === undefined) series.set(query, (one = seconds.labels(query)))
    one.observe((performance.now() - startedAtMs) / MS_PER_SECOND)
  }
}

function timeQueries(client: pg.ClientBase, observe: Observe): void {
  const query = client.query.bind(client) as AnyFunction
  const timed: AnyFunction = (...args) => {
    const startedAtMs = performance.now()
    const name = nameOf(args[0])
    const end = (): void => observe(name, startedAtMs)
    const callback = args.at(-1)
    if (typeof callback !== 'function') return observed(query(...args), end)
    args[args.length - 1] = (...results: unknown[]) => {
      end()
      ;(callback as Callback)(...results)
    }
    return query(...args)
  }
  Object.assign(client, { query: timed })
}

/** Returns what it was given; a promise is observed when it settles. */
function observed(result: unknown, end: () => void): unknown {
  if (result instanceof Promise) result.then(end, end)
  return result
}

function nameOf(query: unknown): string {
  if (typeof query === 'string') return TRANSACTION.exec(query)?.[1]?.toLowerCase() ?? 'other'
  const { name } = (query ?? {}) as { name?: unknown }
  return typeof name === 'string' ? name : 'other'
}

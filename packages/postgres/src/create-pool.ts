import type { Metrics } from '@caudal/telemetry/metrics.ts'
import pg from 'pg'
import { clientConfig } from './client-config.ts'
import type { Db } from './types.ts'
import { watchPool } from './watch-pool.ts'

const INT8 = 20
const INT8_ARRAY = 1016

/** Parses int8 as bigint, since a number could lose digits. */
function createTypes(): pg.CustomTypesConfig {
  const parserOf = pg.types.getTypeParser as (oid: number) => (value: string) => string[]
  const textArray = parserOf(INT8_ARRAY)
  const getTypeParser = (oid: number, format?: 'text' | 'binary'): unknown => {
    if (format !== 'binary' && oid === INT8) return BigInt
    if (format !== 'binary' && oid === INT8_ARRAY) {
      return (value: string) => textArray(value).map((item) => BigInt(item))
    }
    return pg.types.getTypeParser(oid, format)
  }
  return { getTypeParser: getTypeParser as pg.CustomTypesConfig['getTypeParser'] }
}

const types = createTypes()

// A cached plan that was made while its tables were small can scan them when they are large. So
// each statement is planned anew, or cached plans may use only index lookups. A join could still
// walk a whole index if its table was empty when planned; so statements on a `by_key` pool select
// their rows by an array, or look each one up with LATERAL and LIMIT.
const PLANNING = {
  fresh: '-c plan_cache_mode=force_custom_plan',
  by_key:
    '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off ' +
    '-c enable_mergejoin=off -c enable_memoize=off',
}

// Without this timeout, a process that hangs in a transaction would block the one that replaces it.
const IDLE_IN_TRANSACTION = '-c idle_in_transaction_session_timeout=10000'

/** How to create a pool. */
export type PoolOptions = {
  url: string
  applicationName: string
  /** The maximum number of connections; 8 by default, since each batch is one transaction. */
  max?: number
  /**
   * `fresh` plans each statement every time. `by_key` plans once, for statements that find each row
   * by its key (ADR 0005).
   */
  plans?: keyof typeof PLANNING
  /** Where the pool and its queries are measured (see `watchPool`). */
  metrics?: Metrics
  onError?: (error: Error) => void
}

/**
 * Creates a pool whose connections pipeline: queries that are not awaited one by one are sent
 * together (ADR 0005). int8 is returned as bigint, timestamptz as Date, numeric as string.
 */
export function createPool(options: PoolOptions): Db {
  const { url, applicationName, max = 8, plans = 'fresh', metrics, onError } = options
  const pool = new pg.Pool({
    ...clientConfig(url, {
      applicationName,
      options: `${PLANNING[plans]} ${IDLE_IN_TRANSACTION}`,
    }),
    max,
    pipeline: true,
    types,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
  } as pg.PoolConfig)
  // Connection errors do not matter while the pool is ending.
  const report = (error: Error): void => {
    if (!pool.ending) onError?.(error)
  }
  pool.on('error', report)
  // A checked-out connection that breaks emits an error too; without a listener the process ends.
  pool.on('connect', (client) => client.on('error', report))
  if (metrics !== undefined) watchPool(pool, applicationName, metrics)
  return pool
}

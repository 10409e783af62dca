import pg from 'pg'
import type { Db } from './types.ts'

const INT8 = 20
const INT8_ARRAY = 1016

/** int8 arrives as bigint, never as a number that may have lost digits. */
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

// A kept plan was made when its tables were small, or empty, and reads all of them later: so plans
// are fresh, or are kept with nothing allowed but to look up by an index. That alone does not keep
// a join from walking a whole index where its table was known to be empty; so a statement on such
// a pool names its rows by an array, or looks each one up with LATERAL and LIMIT.
const PLANNING = {
  fresh: '-c plan_cache_mode=force_custom_plan',
  by_key:
    '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off ' +
    '-c enable_mergejoin=off -c enable_memoize=off',
}

// A process that hangs in a transaction would hold its locks against the one that took over.
const IDLE_IN_TRANSACTION = '-c idle_in_transaction_session_timeout=10000'

export type PoolOptions = {
  url: string
  applicationName: string
  /** Connections at most; 8 are plenty, since each batch is one transaction. */
  max?: number
  /**
   * `fresh` plans each statement anew; `by_key`, for statements that find each row by its key,
   * plans once (ADR 0005).
   */
  plans?: keyof typeof PLANNING
  onError?: (error: Error) => void
}

/**
 * A pool whose connections pipeline: queries that are not awaited one by one travel together (ADR
 * 0005). int8 comes back as bigint, timestamptz as Date, numeric as string.
 */
export function createPool(options: PoolOptions): Db {
  const { url, applicationName, max = 8, plans = 'fresh', onError } = options
  const pool = new pg.Pool({
    connectionString: url,
    application_name: applicationName,
    max,
    pipeline: true,
    types,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    options: `${PLANNING[plans]} ${IDLE_IN_TRANSACTION}`,
  } as pg.PoolConfig)
  // A pool that is ending does not mind what becomes of its connections.
  const report = (error: Error): void => {
    if (!pool.ending) onError?.(error)
  }
  pool.on('error', report)
  // A connection that breaks while it is checked out emits too, and unheard that ends the process.
  pool.on('connect', (client) => client.on('error', report))
  return pool
}

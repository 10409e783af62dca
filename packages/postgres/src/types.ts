import type { Pool, PoolClient } from 'pg'

/** A pool of connections to one service's database. */
export type Db = Pool

/** A connection with an open transaction; only `transaction` and `snapshot` create one. */
export type Tx = PoolClient

/** A pool or a transaction, for code that only reads. */
export type Reader = Pick<Tx, 'query'>

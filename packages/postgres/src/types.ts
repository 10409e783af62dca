import type { Pool, PoolClient } from 'pg'

/** A pool of connections to one service's database. */
export type Db = Pool

/** A connection with an open transaction: only `transaction` makes one. */
export type Tx = PoolClient

/** Either of them, for what reads only. */
export type Reader = Pick<Tx, 'query'>

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import pg from 'pg'
import { createPool } from '../src/create-pool.ts'
import {
  CommitRefusedError,
  CommitUnknownError,
  DatabaseUnavailableError,
  isUniqueViolation,
} from '../src/errors.ts'
import { snapshot, transaction } from '../src/transaction.ts'
import type { Db, Tx } from '../src/types.ts'

async function counters(t: TestScope): Promise<{ db: Db; adminUrl: string; url: string }> {
  const { pool: db, ownerUrl, adminUrl, url } = await testDatabase(t, { sets: [] })
  const owner = new pg.Client({ connectionString: ownerUrl })
  await owner.connect()
  await owner.query(
    `CREATE TABLE counters (
       name text CONSTRAINT counters_pkey PRIMARY KEY,
       value bigint NOT NULL
     );
     INSERT INTO counters VALUES ('a', 0), ('b', 0);
     GRANT SELECT, INSERT, UPDATE ON counters TO caudal_app`,
  )
  await owner.end()
  return { db, adminUrl, url }
}

async function valueOf(db: Db, name: string): Promise<bigint> {
  const { rows } = await db.query<{ value: bigint }>('SELECT value FROM counters WHERE name = $1', [
    name,
  ])
  return rows[0]!.value
}

const increment = (tx: Tx, name: string): Promise<unknown> =>
  tx.query('UPDATE counters SET value = value + 1 WHERE name = $1', [name])

test('a transaction commits the statements of its work and returns the result', async (t) => {
  const { db } = await counters(t)
  const result = await transaction(db, async (tx) => {
    await increment(tx, 'a')
    return 'done'
  })
  assert.equal(result, 'done')
  assert.equal(await valueOf(db, 'a'), 1n)
})

test('a transaction whose work throws is rolled back', async (t) => {
  const { db } = await counters(t)
  const failing = transaction(db, async (tx) => {
    await increment(tx, 'a')
    throw new Error('planted')
  })
  await assert.rejects(failing, /planted/)
  assert.equal(await valueOf(db, 'a'), 0n)
})

test('rule 1: a COMMIT that PostgreSQL answers with ROLLBACK throws', async (t) => {
  const { db } = await counters(t)
  const careless = transaction(db, async (tx) => {
    // Two statements are sent together, the first fails, and the work ignores both results.
    await Promise.allSettled([tx.query(`INSERT INTO counters VALUES ('a', 1)`), increment(tx, 'b')])
  })
  await assert.rejects(careless, CommitRefusedError)
  assert.equal(await valueOf(db, 'b'), 0n)
})

test('rule 1: COMMIT commits nothing if an unawaited statement before it fails', async (t) => {
  const { db } = await counters(t)
  const refused = transaction(db, async (tx, last) => {
    last.push(increment(tx, 'b'), tx.query(`INSERT INTO counters VALUES ('a', 1)`))
  })
  await assert.rejects(refused, (error) => isUniqueViolation(error))
  assert.equal(await valueOf(db, 'b'), 0n)
  await transaction(db, async (tx, last) => void last.push(increment(tx, 'b')))
  assert.equal(await valueOf(db, 'b'), 1n)
})

test('rule 1: nothing is committed if a statement fails before it is sent', async (t) => {
  const { db } = await counters(t)
  const fault = new TypeError('a value that cannot be encoded')
  const compose = async (): Promise<never> => {
    throw fault
  }
  const nested = async (): Promise<void> => {
    await Promise.all([compose(), compose()])
  }
  for (const failing of [compose, nested]) {
    const refused = transaction(db, async (tx, last) => {
      last.push(increment(tx, 'b'), failing())
    })
    await assert.rejects(refused, fault)
  }
  assert.equal(await valueOf(db, 'b'), 0n)
})

test('a deadlock is retried until both transactions are committed', async (t) => {
  const { db } = await counters(t)
  let met = 0
  let bothHere = (): void => {}
  const meeting = new Promise<void>((resolve) => (bothHere = resolve))
  const crosswise = (first: string, second: string): Promise<void> =>
    transaction(db, async (tx) => {
      await increment(tx, first)
      if (++met === 2) bothHere()
      await meeting
      await increment(tx, second)
    })
  await Promise.all([crosswise('a', 'b'), crosswise('b', 'a')])
  assert.ok(met > 2, 'the deadlock never happened')
  assert.deepEqual([await valueOf(db, 'a'), await valueOf(db, 'b')], [2n, 2n])
})

test('a connection that breaks before COMMIT gives a retryable error', async (t) => {
  const { db, adminUrl } = await counters(t)
  const broken = transaction(db, async (tx) => {
    await increment(tx, 'a')
    await terminate(adminUrl, tx)
    await increment(tx, 'a')
  })
  await assert.rejects(broken, DatabaseUnavailableError)
  assert.equal(await valueOf(db, 'a'), 0n)
})

test('a connection that breaks during COMMIT gives an unknown outcome, not a failure', async (t) => {
  const { db, adminUrl } = await counters(t)
  const unknown = transaction(db, async (tx) => {
    await increment(tx, 'a')
    await terminate(adminUrl, tx)
  })
  await assert.rejects(unknown, CommitUnknownError)
})

test('a server that is unreachable gives a retryable error', async () => {
  const db = createPool({ url: 'postgres://nobody@127.0.0.1:1/none', applicationName: 'test' })
  await assert.rejects(
    transaction(db, async () => {}),
    { retryable: true },
  )
  await db.end()
})

test('int8 is a bigint in rows and arrays, exact up to 2^63-1', async (t) => {
  const { db } = await counters(t)
  const most = 9_223_372_036_854_775_807n
  const { rows } = await db.query('SELECT $1::bigint AS one, ARRAY[$1, -1]::bigint[] AS many', [
    most,
  ])
  assert.deepEqual(rows[0], { one: most, many: [most, -1n] })
})

test('a unique violation is recognised by its constraint', async (t) => {
  const { db } = await counters(t)
  const error: unknown = await db.query(`INSERT INTO counters VALUES ('a', 1)`).catch((it) => it)
  assert.ok(isUniqueViolation(error))
  assert.ok(isUniqueViolation(error, 'counters_pkey'))
  assert.ok(!isUniqueViolation(error, 'another'))
})

/** Ends the transaction's backend, like a crash of the server or the network. */
async function terminate(adminUrl: string, tx: Tx): Promise<void> {
  const { rows } = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  const exited = new Promise((resolve) => tx.once('error', resolve))
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  await admin.query('SELECT pg_terminate_backend($1)', [rows[0]!.pid])
  await admin.end()
  await exited
}

test('the reads of a snapshot see one state despite later commits, and cannot write', async (t) => {
  const { db } = await counters(t)
  const seen = await snapshot(db, async (tx) => {
    const read = async (): Promise<bigint> => {
      const { rows } = await tx.query<{ value: bigint }>('SELECT value FROM counters ORDER BY name')
      return rows[0]!.value
    }
    const first = await read()
    await transaction(db, (other) => increment(other, 'a'))
    return [first, await read()]
  })
  assert.deepEqual(seen, [0n, 0n])
  assert.equal(await valueOf(db, 'a'), 1n)
  const writing = snapshot(db, (tx) => increment(tx, 'a'))
  await assert.rejects(writing, ({ cause }: Error) => {
    assert.match(String(cause), /cannot execute UPDATE in a read-only transaction/)
    return true
  })
})

test('a read that takes too long is cancelled, and its connection is reused', async (t) => {
  const { db } = await counters(t)
  const slow = snapshot(db, async (tx) => {
    const { rows } = await tx.query<{ statement_timeout: string }>('SHOW statement_timeout')
    assert.deepEqual(rows, [{ statement_timeout: '10s' }])
    await tx.query(`SET LOCAL statement_timeout = '50ms'`)
    await tx.query('SELECT pg_sleep(60)')
  })
  await assert.rejects(slow, { code: '57014' })
  assert.equal(await valueOf(db, 'a'), 0n)
})

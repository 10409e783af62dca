import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { move } from './client-commands.ts'
import { eventCredit } from './event-postings.ts'
import { findViolations } from './find-violations.ts'
import { ledgerDatabase, openWallets, runBatch, runCommands } from './ledger-fixture.ts'
import { newWallet, type TestWallet } from './test-wallet.ts'

const USED = 'REFERENCE_ALREADY_USED'

/** What became of each: its type, or the code of its refusal. */
async function run(db: Db, work: Parameters<typeof runBatch>[1]): Promise<string[]> {
  const { outcomes } = await runBatch(db, work)
  return outcomes.map((it) => (it.type === 'refused' ? it.code : it.type))
}

async function availableOf(db: Db, { accountId }: TestWallet): Promise<bigint> {
  const { rows } = await db.query<{ available: string }>(
    'SELECT available_minor::text AS available FROM accounts WHERE account_id = $1',
    [accountId],
  )
  return BigInt(rows[0]!.available)
}

test('rule 4: postings of an event are booked once, however often it is delivered', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  const deposit = (): ReturnType<typeof eventCredit> => eventCredit(wallet, 70n, 'deposit-1')
  const [first, twin] = [deposit(), deposit()]
  assert.deepEqual(await run(pool, [first, twin]), ['posted', USED])
  assert.deepEqual(await run(pool, [deposit(), eventCredit(wallet, 5n, 'deposit-2')]), [
    USED,
    'posted',
  ])
  assert.equal(await availableOf(pool, wallet), 75n)
  assert.deepEqual(
    [first, twin].map(({ seen }) => seen.map(({ type }) => type)),
    [['posted'], ['refused']],
  )
  assert.deepEqual(await findViolations(pool), [])
})

test('rule 4: of two processes that book the postings of an event, one fails as a whole', async (t) => {
  const { pool, url } = await ledgerDatabase(t)
  const other = createPool({ url, applicationName: 'other' })
  t.after(() => other.end())
  // Different accounts, so that neither waits for the other's row locks.
  const wallets = [newWallet({ currency: 'USD' }), newWallet({ currency: 'EUR' })]
  await openWallets(pool, wallets)
  await runCommands(pool, ...wallets.map((wallet) => move('credit', wallet, 1n)))
  const reference = newId()
  const attempts = await Promise.allSettled(
    [pool, other].map((db, index) => run(db, [eventCredit(wallets[index]!, 70n, reference)])),
  )
  for (const attempt of attempts) {
    if (attempt.status === 'rejected') assert.match(String(attempt.reason), /references_pkey/)
  }
  const balances = await Promise.all(wallets.map((wallet) => availableOf(pool, wallet)))
  assert.deepEqual(
    balances.toSorted((a, b) => Number(a - b)),
    [1n, 71n],
  )
  assert.deepEqual(await findViolations(pool), [])
})

test('a client and an event cannot use one reference for the same kind', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  const credit = move('credit', wallet, 9n, { reference: 'both' })
  await runCommands(pool, credit)
  assert.deepEqual(await run(pool, [eventCredit(wallet, 9n, 'both')]), [USED])
  assert.equal(await availableOf(pool, wallet), 9n)
})

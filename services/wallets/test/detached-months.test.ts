import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Db } from '@caudal/postgres/types.ts'
import { move } from './client-commands.ts'
import { findViolations } from './find-violations.ts'
import { ledgerDatabase, openWallets, runCommands } from './ledger-fixture.ts'
import { age, attachMonth, connectAs, monthAgo } from './old-months.ts'
import { newWallet } from './test-wallet.ts'

const DETACH = 'SELECT * FROM detach_ledger_partition($1)'

async function partitionsOf(db: Db): Promise<number> {
  const { rows } = await db.query<{ count: bigint }>(
    `SELECT count(*) FROM pg_inherits
     WHERE inhparent IN ('entries'::regclass, 'transfers'::regclass)`,
  )
  return Number(rows[0]!.count)
}

test('F1: bookings go on after a month is detached, and the remaining books are consistent', async (t) => {
  const { pool, adminUrl, ownerUrl } = await ledgerDatabase(t)
  const [admin, owner] = [await connectAs(t, adminUrl), await connectAs(t, ownerUrl)]
  for (const months of [4, 3, 2]) await attachMonth(owner, months)
  const [active, quiet, young] = [newWallet(), newWallet(), newWallet()]
  await openWallets(pool, [active, quiet, young])
  await runCommands(pool, move('credit', active, 100n), move('credit', quiet, 50n))
  await runCommands(pool, move('hold', active, 30n), move('hold', quiet, 20n))
  await age(admin, 1)
  await runCommands(pool, move('credit', active, 5n))
  await age(admin, 3)
  await runCommands(pool, move('debit', active, 7n), move('credit', young, 1n))
  assert.deepEqual(await findViolations(pool), [])
  const partitions = await partitionsOf(pool)

  const { rows: first } = await owner.query(DETACH, [monthAgo(4)])
  assert.deepEqual([first[0].transfers, first[0].entries], ['4', '8'])
  assert.deepEqual(await findViolations(pool), [])
  assert.equal(await partitionsOf(pool), partitions - 2)
  await runCommands(pool, move('debit', quiet, 10n), move('debit', active, 1n))
  const { rows: second } = await owner.query(DETACH, [monthAgo(3)])
  assert.deepEqual([second[0].transfers, second[0].entries], ['1', '2'])
  assert.deepEqual(await findViolations(pool), [])

  const { rows: carried } = await pool.query(
    `SELECT account_id, account_version, available_minor, held_minor FROM carried_balances
     WHERE account_id = ANY($1) ORDER BY account_version`,
    [[active.accountId, quiet.accountId, young.accountId]],
  )
  assert.deepEqual(carried, [
    {
      account_id: quiet.accountId,
      account_version: 2n,
      available_minor: '30',
      held_minor: '20',
    },
    {
      account_id: active.accountId,
      account_version: 3n,
      available_minor: '75',
      // It was held in the month before, and is carried through.
      held_minor: '30',
    },
  ])
  await admin.query('UPDATE carried_balances SET available_minor = available_minor + 1')
  assert.notDeepEqual(await findViolations(pool), [], 'a carried balance is proved too')
})

test('only the owner can detach a month, only the oldest, and none that can get bookings', async (t) => {
  const { pool, ownerUrl } = await ledgerDatabase(t)
  const owner = await connectAs(t, ownerUrl)
  for (const months of [0, 1]) {
    await assert.rejects(owner.query(DETACH, [monthAgo(months)]), { code: 'CA110' })
  }
  await attachMonth(owner, 3)
  await attachMonth(owner, 2)
  await assert.rejects(owner.query(DETACH, [monthAgo(2)]), { code: 'CA111' })
  await assert.rejects(owner.query(DETACH, [monthAgo(4)]), { code: 'CA111' })
  await assert.rejects(pool.query(DETACH, [monthAgo(3)]), /permission denied/)
  await owner.query(DETACH, [monthAgo(3)])
  await owner.query(DETACH, [monthAgo(2)])
  await assert.rejects(owner.query(DETACH, [monthAgo(2)]), { code: 'CA111' })
})

test('a month is not detached during a read, and the attempt blocks no request', async (t) => {
  const { pool, ownerUrl } = await ledgerDatabase(t)
  const owner = await connectAs(t, ownerUrl)
  await attachMonth(owner, 2)
  const wallet = newWallet()
  await openWallets(pool, [wallet])
  const reader = await pool.connect()
  await reader.query('BEGIN')
  await reader.query('SELECT FROM entries LIMIT 1')
  await assert.rejects(owner.query(DETACH, [monthAgo(2)]), { code: '55P03' })
  await runCommands(pool, move('credit', wallet, 10n))
  await reader.query('COMMIT')
  reader.release()
  const { rows } = await pool.query('SELECT FROM carried_balances')
  assert.equal(rows.length, 0, 'an attempt leaves nothing')
  await owner.query(DETACH, [monthAgo(2)])
})

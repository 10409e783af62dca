import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { readStatement, readTrial } from '../src/history/read-history.ts'
import { findAccount } from '../src/history/store/find-account.ts'
import { balancesAsOf } from './balances-as-of.ts'
import { move } from './client-commands.ts'
import { ledgerDatabase, openWallets, processWork, runCommands } from './ledger-fixture.ts'
import { age, attachMonth, connectAs, monthAgo } from './old-months.ts'
import { spyOn } from './spy-on.ts'
import { newWallet } from './test-wallet.ts'
import { clientWork } from './work.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

test('E4: a balance or statement contains a concurrent booking completely or not at all', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallet = newWallet()
  const { tenantId, accountId } = wallet
  await openWallets(pool, [wallet])
  await runCommands(pool, move('credit', wallet, 100n), move('hold', wallet, 1n))
  const account = (await findAccount(pool, { tenantId, accountId }))!
  const later = dayOf(Date.now() + 30 * DAY_MS)
  let booked = 0
  const busy = spyOn(pool, async () => {
    booked += 1
    await runCommands(pool, { ...move('credit', wallet, 1n), valueDate: later })
  })
  const expected = { availableMinor: 99n, heldMinor: 1n }
  const day = dayOf(Date.now() + DAY_MS)
  assert.deepEqual(await balancesAsOf(busy, account, { by: 'value', day }), expected)
  const range = { by: 'value', from: null, to: day } as const
  const page = await readStatement(busy, account, { range, after: null, limit: 1 })
  assert(page.type === 'statement' && page.next !== null)
  const rest = await readStatement(busy, account, { range, after: page.next, limit: 10 })
  assert(rest.type === 'statement')
  assert.deepEqual(rest.closing, expected)
  const rows = await readTrial(busy, { tenantId, currency: null, asOf: { by: 'value', day } })
  assert(Array.isArray(rows))
  assert.equal(
    rows.reduce((sum, it) => sum + it.creditMinor - it.debitMinor, 0n),
    0n,
  )
  assert.ok(booked > 8, `only ${booked} bookings came between`)
})

test('E4: a booking before a moment counts, even if it was committed later', async (t) => {
  const { pool } = await ledgerDatabase(t)
  const wallet = newWallet()
  const { tenantId, accountId } = wallet
  await openWallets(pool, [wallet])
  await runCommands(pool, move('credit', wallet, 100n))
  const account = (await findAccount(pool, { tenantId, accountId }))!
  const open = await pool.connect()
  await open.query('BEGIN')
  await processWork(open, [clientWork(move('credit', wallet, 11n))])
  const { rows } = await open.query<{ now: Date }>('SELECT clock_timestamp() AS now')
  const before = new Date(rows[0]!.now.getTime() + 1)
  let looks = 0
  const watched = spyOn(pool, ({ name }) => {
    if (name === 'await-older-bookings') looks += 1
  })
  const reading = Promise.all([
    balancesAsOf(watched, account, { by: 'booking', before }),
    readTrial(watched, { tenantId, currency: null, asOf: { by: 'booking', before } }),
    readStatement(watched, account, {
      range: { by: 'booking', from: before, to: null },
      after: null,
      limit: 1,
    }),
  ])
  // Nothing in the future is final, so a read of it does not wait.
  const future = { by: 'booking', before: new Date(before.getTime() + DAY_MS) } as const
  assert.equal((await balancesAsOf(pool, account, future)).availableMinor, 100n)
  await eventually(() => looks > 6)
  await open.query('COMMIT')
  open.release()
  const [balances, trial, statement] = await reading
  assert.equal(balances.availableMinor, 111n)
  assert(Array.isArray(trial) && trial.some((it) => it.availableMinor === 111n))
  assert(statement.type === 'statement' && statement.opening.availableMinor === 111n)
})

test('E4: a balance read during a detachment equals the carried balance', async (t) => {
  const { pool, adminUrl, ownerUrl } = await ledgerDatabase(t)
  const [admin, owner] = [await connectAs(t, adminUrl), await connectAs(t, ownerUrl)]
  for (const months of [3, 2]) await attachMonth(owner, months)
  const wallet = newWallet()
  const { tenantId, accountId } = wallet
  await openWallets(pool, [wallet])
  await runCommands(pool, move('credit', wallet, 100n), move('hold', wallet, 30n))
  await age(admin, 3)
  const account = (await findAccount(pool, { tenantId, accountId }))!
  await owner.query('BEGIN')
  await owner.query('SELECT detach_ledger_partition($1)', [monthAgo(3)])
  const before = new Date()
  const reading = balancesAsOf(pool, account, { by: 'booking', before })
  await eventually(async () => {
    const { rows } = await pool.query(
      `SELECT FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    )
    return rows.length === 1
  })
  await owner.query('COMMIT')
  assert.deepEqual(await reading, { availableMinor: 70n, heldMinor: 30n })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Db } from '@caudal/postgres/types.ts'
import fc from 'fast-check'
import type { Client } from 'pg'
import type { AccountDetails, AsOf, Balances, StatementRange } from '../src/history/history.ts'
import { readBalances, readStatement, readTrial } from '../src/history/read-history.ts'
import { findAccount } from '../src/history/store/find-account.ts'
import { balancesAsOf } from './balances-as-of.ts'
import { close, move } from './client-commands.ts'
import { ledgerDatabase, openWallets, runCommands } from './ledger-fixture.ts'
import { age, attachMonth, connectAs, monthAgo, sayValueDates } from './old-months.ts'
import { newWallet, type TestWallet } from './test-wallet.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NOON = Date.parse(`${monthAgo(1)}T12:00:00Z`)

/** One thing that is booked: how long after the one before, and with which value date. */
const step = fc.record({
  op: fc.constantFrom('credit', 'debit', 'hold', 'commit', 'rollback'),
  wallet: fc.nat(1),
  amount: fc.integer({ min: 1, max: 50 }),
  hours: fc.constantFrom(0, 0, 1, 7, 24, 50),
  // Mostly the day of the booking.
  valueDays: fc.constantFrom(0, 0, 0, 0, -1, -3, 1, 4),
})
const steps = fc.array(step, { minLength: 1, maxLength: 25 })
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/** Books the steps, then moves each to its own time. */
async function book(db: Db, admin: Client, wallets: TestWallet[], all: Step[]): Promise<void> {
  const holds: string[] = []
  let ms = NOON
  for (const { op, wallet: index, amount, hours, valueDays } of all) {
    const wallet = wallets[index]!
    ms += hours * HOUR_MS
    const closing = op === 'commit' || op === 'rollback'
    const command = closing
      ? close(op, wallet, holds.pop() ?? wallet.accountId)
      : move(op, wallet, BigInt(op === 'credit' ? amount * 3 : amount))
    const valueDate = dayOf(ms + valueDays * DAY_MS)
    const { outcomes } = await runCommands(db, { ...command, valueDate })
    if (outcomes[0]!.type !== 'posted') continue
    if (op === 'hold') holds.push(command.transferId)
    for (const table of ['transfers', 'entries']) {
      const sql = `UPDATE ${table} SET booked_at = $2 WHERE transfer_id = $1`
      await admin.query(sql, [command.transferId, new Date(ms)])
    }
  }
}

interface Flat {
  account_id: string
  account_version: bigint
  line: number
  balance: 'available' | 'held'
  amount_minor: bigint
  booked_at: Date
  value_date: string
  kind: string
}

/** The whole history of a tenant, as the tables have it. */
async function flatten(db: Db, tenantId: string): Promise<Flat[]> {
  const { rows } = await db.query<Flat>(
    `SELECT e.account_id, account_version, line, balance, e.amount_minor, e.booked_at,
       t.value_date::text, a.kind
     FROM entries e JOIN transfers t USING (transfer_id) JOIN accounts a
       ON a.account_id = e.account_id
     WHERE e.tenant_id = $1 ORDER BY account_version, line`,
    [tenantId],
  )
  return rows
}

const counts = (it: Flat, asOf: AsOf): boolean =>
  asOf.by === 'booking' ? it.booked_at < asOf.before : it.value_date <= asOf.day

function sumOf(entries: readonly Flat[]): Balances {
  const sum = { availableMinor: 0n, heldMinor: 0n }
  for (const { balance, amount_minor: amount } of entries) {
    if (balance === 'available') sum.availableMinor += amount
    else sum.heldMinor += amount
  }
  return sum
}

/** Every moment at which something can change, of either date, and some around. */
function momentsOf(history: readonly Flat[]): AsOf[] {
  const times = new Set(history.flatMap(({ booked_at: at }) => [at.getTime(), at.getTime() + 1]))
  const days = new Set(history.map(({ value_date: day }) => day))
  return [
    ...[...times].map((ms) => ({ by: 'booking', before: new Date(ms) }) as const),
    ...[...days].map((day) => ({ by: 'value', day }) as const),
    { by: 'value', day: dayOf(NOON - 9 * DAY_MS) },
  ]
}

async function readAll(db: Db, account: AccountDetails, range: StatementRange, limit: number) {
  let page = await readStatement(db, account, { range, after: null, limit })
  assert(page.type === 'statement')
  const { opening } = page
  const lines = [...page.lines]
  while (page.next !== null) {
    const before: Balances = page.closing
    page = await readStatement(db, account, { range, after: page.next, limit })
    assert(page.type === 'statement')
    assert.deepEqual(page.opening, before, 'a page opens with what the one before closed with')
    lines.push(...page.lines)
  }
  return { opening, lines, closing: page.closing }
}

function inRange(it: Flat, range: StatementRange): boolean {
  if (range.by === 'value') {
    const { from, to } = range
    return (from === null || it.value_date >= from) && (to === null || it.value_date <= to)
  }
  const { from, to } = range
  return (from === null || it.booked_at >= from) && (to === null || it.booked_at < to)
}

function rangesOf(moments: readonly AsOf[]): StatementRange[] {
  const times = moments.flatMap((it) => (it.by === 'booking' ? [it.before] : []))
  const days = moments.flatMap((it) => (it.by === 'value' ? [it.day] : [])).toSorted()
  const [time, day] = [times[Math.floor(times.length / 2)]!, days[Math.floor(days.length / 2)]!]
  return [
    { by: 'booking', from: null, to: null },
    { by: 'booking', from: time, to: null },
    { by: 'booking', from: times[0]!, to: time },
    { by: 'value', from: null, to: null },
    { by: 'value', from: day, to: null },
    { by: 'value', from: days[0]!, to: day },
  ]
}

async function checkAccount(db: Db, account: AccountDetails, history: Flat[], limit: number) {
  const own = history.filter((it) => it.account_id === account.accountId)
  const moments = momentsOf(history)
  for (const asOf of moments) {
    const { type, version, ...found } = (await readBalances(db, account, asOf)) as Balances & {
      type: string
      version: number
    }
    assert.equal(type, 'balances')
    assert.deepEqual(found, sumOf(own.filter((it) => counts(it, asOf))), JSON.stringify(asOf))
    if (asOf.by === 'value') continue
    const last = own.findLast((it) => counts(it, asOf))
    assert.equal(version, Number(last?.account_version ?? 0))
  }
  for (const range of rangesOf(moments)) {
    const { opening, lines, closing } = await readAll(db, account, range, limit)
    const expected = own.filter((it) => inRange(it, range))
    if (range.by === 'value') {
      expected.sort((a, b) =>
        a.value_date < b.value_date ? -1 : a.value_date > b.value_date ? 1 : 0,
      )
    }
    assert.deepEqual(
      lines.map((it) => [it.version, it.line, it.amountMinor, it.valueDate]),
      expected.map((it) => [Number(it.account_version), it.line, it.amount_minor, it.value_date]),
    )
    const earlier = own.filter((it) =>
      range.from === null
        ? false
        : range.by === 'booking'
          ? it.booked_at < range.from
          : it.value_date < range.from,
    )
    assert.deepEqual(opening, sumOf(earlier))
    assert.deepEqual(closing, sumOf([...earlier, ...expected]))
    const running = { available: opening.availableMinor, held: opening.heldMinor }
    for (const { balance, amountMinor, beforeMinor, afterMinor } of lines) {
      assert.equal(beforeMinor, running[balance])
      running[balance] += amountMinor
      assert.equal(afterMinor, running[balance])
    }
  }
}

async function checkTrial(
  db: Db,
  tenantId: string,
  history: readonly Flat[],
  moments: readonly AsOf[] = momentsOf(history),
): Promise<void> {
  for (const asOf of moments) {
    const rows = await readTrial(db, { tenantId, currency: null, asOf })
    assert(Array.isArray(rows))
    for (const { kind, availableMinor, heldMinor, debitMinor, creditMinor } of rows) {
      const own = history.filter((it) => it.kind === kind && counts(it, asOf))
      assert.deepEqual({ availableMinor, heldMinor }, sumOf(own), JSON.stringify(asOf))
      assert.equal(creditMinor - debitMinor, availableMinor + heldMinor)
    }
    const total = rows.reduce((sum, it) => sum + it.creditMinor - it.debitMinor, 0n)
    assert.equal(total, 0n)
  }
}

test('E4: balances, statements and trial balances of any moment are the sums of entries', async (t) => {
  const { pool, adminUrl } = await ledgerDatabase(t)
  const admin = await connectAs(t, adminUrl)
  let run = 0
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 7 }), async (all, limit) => {
      run += 1
      const tenantId = `tenant-${run}`
      const wallets = [newWallet({ tenantId }), newWallet({ tenantId })]
      await openWallets(pool, wallets)
      await runCommands(pool, ...wallets.map((it) => move('credit', it, 60n)))
      await admin.query(
        `UPDATE transfers SET booked_at = $2, value_date = $3 WHERE tenant_id = $1`,
        [tenantId, new Date(NOON), dayOf(NOON)],
      )
      const placing = `UPDATE entries SET booked_at = $2 WHERE tenant_id = $1`
      await admin.query(placing, [tenantId, new Date(NOON)])
      await book(pool, admin, wallets, all)
      await sayValueDates(admin)
      const history = await flatten(pool, tenantId)
      for (const accountId of new Set(history.map((it) => it.account_id))) {
        const account = await findAccount(pool, { tenantId, accountId })
        await checkAccount(pool, account!, history, limit)
      }
      await checkTrial(pool, tenantId, history)
    }),
    { numRuns: 6 },
  )
})

test('E4: after a detached month balances and statements begin with the carried balances', async (t) => {
  const { pool, adminUrl, ownerUrl } = await ledgerDatabase(t)
  const [admin, owner] = [await connectAs(t, adminUrl), await connectAs(t, ownerUrl)]
  for (const months of [3, 2]) await attachMonth(owner, months)
  const wallet = newWallet()
  const { tenantId, accountId } = wallet
  await openWallets(pool, [wallet])
  await runCommands(pool, move('credit', wallet, 100n), move('hold', wallet, 30n))
  await age(admin, 3)
  await runCommands(pool, move('debit', wallet, 5n))
  await owner.query('SELECT detach_ledger_partition($1)', [monthAgo(3)])
  const account = (await findAccount(pool, { tenantId, accountId }))!
  const kept = new Date(`${monthAgo(2)}T00:00:00Z`)
  const carried = { availableMinor: 70n, heldMinor: 30n }

  const first = await readBalances(pool, account, { by: 'booking', before: kept })
  assert.deepEqual(first, { type: 'balances', ...carried, version: 2 })
  const valueDay = dayOf(kept.getTime() - 1)
  const byValue = await readBalances(pool, account, { by: 'value', day: valueDay })
  assert.deepEqual(byValue, { type: 'balances', ...carried, version: 2 })
  for (const by of ['booking', 'value'] as const) {
    const { opening, lines, closing } = await readAll(
      pool,
      account,
      { by, from: null, to: null },
      1,
    )
    assert.deepEqual(opening, carried)
    assert.deepEqual(
      lines.map((it) => it.amountMinor),
      [-5n],
    )
    assert.deepEqual(closing, { availableMinor: 65n, heldMinor: 30n })
  }
  const tooEarly: AsOf[] = [
    { by: 'booking', before: new Date(kept.getTime() - 1) },
    { by: 'value', day: dayOf(kept.getTime() - DAY_MS - 1) },
  ]
  for (const asOf of tooEarly) {
    const refused = { type: 'detached', kept: { from: kept, valueDay } }
    const range: StatementRange =
      asOf.by === 'booking'
        ? { by: 'booking', from: null, to: asOf.before }
        : { by: 'value', from: null, to: asOf.day }
    assert.deepEqual(await readStatement(pool, account, { range, after: null, limit: 1 }), refused)
    assert.deepEqual(await readBalances(pool, account, asOf), refused)
    assert.deepEqual(await readTrial(pool, { tenantId, currency: null, asOf }), refused)
  }
  const range = { by: 'value', from: valueDay, to: null } as const
  const { type } = await readStatement(pool, account, { range, after: null, limit: 1 })
  assert.equal(type, 'detached')
})

test('E4: later value dates of a detached month count from their day', async (t) => {
  const { pool, adminUrl, ownerUrl } = await ledgerDatabase(t)
  const [admin, owner] = [await connectAs(t, adminUrl), await connectAs(t, ownerUrl)]
  for (const months of [4, 3, 2]) await attachMonth(owner, months)
  const [wallet, other] = [newWallet(), newWallet()]
  const { tenantId } = wallet
  await openWallets(pool, [wallet, other])
  await runCommands(pool, move('credit', wallet, 100n), move('credit', other, 8n))
  const far = move('debit', wallet, 30n)
  await runCommands(pool, far)
  await age(admin, 4)
  const [soon, late] = [`${monthAgo(3).slice(0, 8)}10`, `${monthAgo(2).slice(0, 8)}20`]
  const setDate = 'UPDATE transfers SET value_date = $2 WHERE transfer_id = $1'
  await admin.query(setDate, [far.transferId, late])
  await sayValueDates(admin)
  const further = move('hold', wallet, 5n)
  await runCommands(pool, further)
  const moved = `UPDATE $ SET booked_at = booked_at - interval '3 months' WHERE transfer_id = $1`
  for (const table of ['transfers', 'entries']) {
    await admin.query(moved.replace('$', table), [further.transferId])
  }
  await admin.query(setDate, [further.transferId, `${monthAgo(0).slice(0, 8)}01`])
  await sayValueDates(admin)
  const history = await flatten(pool, tenantId)
  for (const months of [4, 3]) {
    await owner.query('SELECT detach_ledger_partition($1)', [monthAgo(months)])
    const days = [soon, late, monthAgo(1), monthAgo(0), dayOf(Date.now())]
    for (const day of days.filter((it) => it >= dayBeforeMonth(months - 1))) {
      const asOf = { by: 'value', day } as const
      for (const { accountId } of [wallet, other]) {
        const account = (await findAccount(pool, { tenantId, accountId }))!
        const own = history.filter((it) => it.account_id === accountId && counts(it, asOf))
        const found = await balancesAsOf(pool, account, asOf)
        assert.deepEqual(found, sumOf(own), `${months} months ago detached, as of ${day}`)
      }
      await checkTrial(pool, tenantId, history, [asOf])
    }
  }
  const account = (await findAccount(pool, { tenantId, accountId: wallet.accountId }))!
  const neighbour = (await findAccount(pool, { tenantId, accountId: other.accountId }))!
  const from = monthAgo(2)
  const covering = { range: { by: 'value', from, to: null }, after: null, limit: 9 } as const
  const { type } = await readStatement(pool, account, covering)
  assert.equal(type, 'detached', 'the lines of that day are not in the books any more')
  const page = await readStatement(pool, neighbour, covering)
  assert.ok(page.type === 'statement' && page.opening.availableMinor === 8n)
})

function dayBeforeMonth(months: number): string {
  return dayOf(Date.parse(`${monthAgo(months)}T00:00:00Z`) - DAY_MS)
}

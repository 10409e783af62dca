import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { createPool } from '@caudal/postgres/create-pool.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import fc from 'fast-check'
import type { PostingsCommand } from '../src/ledger/domain/command.ts'
import { LEDGER_RIGHTS } from '../src/ledger/domain/rights.ts'
import { move, type TestPosting, transfer } from './client-commands.ts'
import { findViolations } from './find-violations.ts'
import { assertProblem, type LedgerClient, ledgerClient, posting } from './ledger-client.ts'
import { ledgerDatabase, openWallets, runCommands, submitAll, takerOf } from './ledger-fixture.ts'
import { newWallet, type TestWallet } from './test-wallet.ts'
import { call, startWorld, type World } from './world.ts'

const PATH = '/v1/transfers'

describe('corrections over HTTP', () => {
  const scope = suiteScope()
  let world: World
  let ledger: LedgerClient
  let writer: string
  let payer: TestWallet
  let payee: TestWallet

  before(async () => {
    world = await startWorld(scope)
    ledger = await ledgerClient(world)
    writer = await world.clientToken('ledger:write')
  })

  /** A transfer of 100 less a fee of 3; later money of the payee is enough for any correction. */
  async function sale(): Promise<string> {
    payer = await ledger.wallet(1_000)
    payee = await ledger.wallet(1_000)
    const postings = [posting(payer, -100), posting(payee, 97), posting(['fees', 'USD'], 3)]
    const reply = await ledger.post(PATH, { postings }, { token: writer })
    return String(reply.json['transfer_id'])
  }

  function correct(corrects: string, postings: object[], token = writer) {
    return ledger.post(PATH, { corrects, postings }, { token })
  }

  test('F1: a transfer is taken back once, in one piece or in parts', async () => {
    const parts = await sale()
    const part = [posting(payer, 60), posting(payee, -60)]
    assert.equal((await correct(parts, part)).status, 200)
    const refusal = await correct(parts, part)
    assertProblem(refusal, 422, 'CORRECTION_EXCEEDS_ORIGINAL')
    assert.match(String(refusal.json['detail']), /by 120 USD, but the transfer changed it by -100/)
    const rest = [posting(payer, 40), posting(payee, -37), posting(['fees', 'USD'], -3)]
    assert.equal((await correct(parts, rest)).status, 200)
    assertProblem(await correct(parts, rest), 422, 'CORRECTION_EXCEEDS_ORIGINAL')
    assert.deepEqual(
      [await ledger.balances(payer), await ledger.balances(payee)],
      ['1000/0', '1000/0'],
    )
  })

  test('F1: a correction never goes in the direction of the original', async () => {
    const original = await sale()
    const further = [posting(payer, -1), posting(payee, 1)]
    assertProblem(await correct(original, further), 422, 'CORRECTION_EXCEEDS_ORIGINAL')
    const fee = [posting(payee, 1), posting(['fees', 'USD'], -1)]
    assertProblem(await correct(original, fee), 422, 'CORRECTION_EXCEEDS_ORIGINAL')
    assert.equal(await ledger.balances(payer), '900/0')
  })

  test('F1: a correction of a correction restores what that one took', async () => {
    const original = await sale()
    const back = [posting(payer, 100), posting(payee, -97), posting(['fees', 'USD'], -3)]
    const first = String((await correct(original, back)).json['transfer_id'])
    const again = [posting(payer, -100), posting(payee, 97), posting(['fees', 'USD'], 3)]
    assert.equal((await correct(first, again)).status, 200)
    assertProblem(await correct(first, again), 422, 'CORRECTION_EXCEEDS_ORIGINAL')
    assertProblem(await correct(original, back), 422, 'CORRECTION_EXCEEDS_ORIGINAL')
  })

  test('F1: what two corrections did together is not taken back from one of them', async () => {
    const original = await sale()
    const back = [posting(payer, 60), posting(payee, -60)]
    const again = [posting(payer, -60), posting(payee, 60)]
    const first = String((await correct(original, back)).json['transfer_id'])
    assert.equal((await correct(original, again)).status, 200)
    const refusal = await correct(first, again)
    assertProblem(refusal, 422, 'CORRECTION_EXCEEDS_ORIGINAL')
    assert.match(String(refusal.json['detail']), /by -60 USD, but the transfer changed it by -100/)
    assert.equal(await ledger.balances(payer), '900/0')
  })

  test('F1: a captured hold is corrected once, whichever slot of settlement is used', async () => {
    const wallet = await ledger.wallet(1_000)
    const stranger = await ledger.wallet()
    const amount = { minor_units: 1_000, currency: 'USD' }
    const hold = await ledger.post('/v1/wallet/hold', { account_id: wallet.accountId, amount })
    const commit = await ledger.post('/v1/wallet/commit', {
      account_id: wallet.accountId,
      hold_id: hold.json['hold_id'],
    })
    const corrects = String(commit.json['entry_id']).slice(0, -3) + '000'
    const back = [posting(wallet, 1_000), posting(['psp_settlement', 'USD'], -1_000)]
    const toStranger = [posting(stranger, 1_000), posting(['psp_settlement', 'USD'], -1_000)]
    assertProblem(await correct(corrects, toStranger), 403, 'FORBIDDEN')
    assert.equal((await correct(corrects, back)).status, 200)
    assertProblem(await correct(corrects, back), 422, 'CORRECTION_EXCEEDS_ORIGINAL')
    const most = [posting(wallet, 999), posting(['psp_settlement', 'USD'], -999)]
    assertProblem(await correct(corrects, most), 422, 'CORRECTION_EXCEEDS_ORIGINAL')
    const held = String(hold.json['hold_id'])
    assertProblem(await correct(held, back), 403, 'FORBIDDEN')
    assert.deepEqual(
      [await ledger.balances(wallet), await ledger.balances(stranger)],
      ['1000/0', '0/0'],
    )
  })

  test('only ledger:admin moves what belongs to another account, and no more', async () => {
    const original = await sale()
    const right = await ledger.wallet()
    const admin = await world.clientToken('ledger:transfer ledger:system ledger:admin', 'desk')
    const instead = (units: number) => [posting(payee, -units), posting(right, units)]
    const key = newId()
    const body = { corrects: original, postings: instead(90) }
    const refused = await ledger.post(PATH, body, { key, token: writer })
    assertProblem(refused, 403, 'FORBIDDEN')
    assert.match(String(refused.json['detail']), /is not in the transfer .* ledger:admin/)
    assertProblem(await correct(original, instead(98), admin), 422, 'CORRECTION_EXCEEDS_ORIGINAL')
    const beside = [...instead(50), posting(['suspense', 'USD'], -5), posting(right, 5)]
    assertProblem(await correct(original, beside, admin), 422, 'CORRECTION_EXCEEDS_ORIGINAL')
    assert.equal((await correct(original, instead(90), admin)).status, 200)
    assertProblem(await correct(original, instead(8), admin), 422, 'CORRECTION_EXCEEDS_ORIGINAL')
    const { rows } = await world.db.query<{ correction: string }>(
      'SELECT correction FROM transfers WHERE corrects_id = $1',
      [original],
    )
    assert.deepEqual(rows, [{ correction: 'reclassified' }])
    // What a refused one asked for was never bound to its key.
    const free = { corrects: original, postings: [posting(payer, 7), posting(payee, -7)] }
    assert.equal((await ledger.post(PATH, free, { key, token: writer })).status, 200)
  })

  test('money does not go from one other account to another by way of the original', async () => {
    const original = await sale()
    const [first, second] = [await ledger.wallet(500), await ledger.wallet()]
    const admin = await world.clientToken('ledger:transfer ledger:admin', 'desk')
    const paid = [posting(first, -60), posting(payer, 60)]
    assert.equal((await correct(original, paid, admin)).status, 200)
    const passed = [posting(payer, -60), posting(second, 60)]
    assertProblem(await correct(original, passed, admin), 422, 'CORRECTION_EXCEEDS_ORIGINAL')
    const back = [posting(payer, -60), posting(first, 60)]
    assert.equal((await correct(original, back, admin)).status, 200)
    assert.deepEqual(
      [await ledger.balances(first), await ledger.balances(second)],
      ['500/0', '0/0'],
    )
  })

  test('corrections of release 0.1.0 count, and stay readable', async () => {
    const original = await sale()
    const back = [posting(payer, 97), posting(payee, -97)]
    const old = String((await correct(original, back)).json['transfer_id'])
    await world.asAdmin('UPDATE transfers SET correction = NULL WHERE transfer_id = $1', [old])
    const more = [posting(payer, 1), posting(payee, -1)]
    assertProblem(await correct(original, more), 422, 'CORRECTION_EXCEEDS_ORIGINAL')
    const reader = await world.clientToken('ledger:read')
    const { json } = await call(world, `${PATH}/${original}`, { token: reader })
    assert.deepEqual(json['corrected_by'], [old])
  })

  test('the books are consistent after these tests', async () => {
    assert.deepEqual(await findViolations(world.db), [])
  })
})

const FEE = 5n
const account = fc.nat(4) // the fees, two strangers, and the two wallets of the original
const attempt = fc.record({
  from: account,
  to: account,
  amount: fc.bigInt({ min: 1n, max: 70n }),
  admin: fc.boolean(),
})

type Attempt = typeof attempt extends fc.Arbitrary<infer A> ? A : never

/** What corrections did to each account of the transfer, as the entries say. */
async function sumsOf(db: Db, transferId: string, depth: number): Promise<Map<string, bigint>> {
  const { rows } = await db.query<{ name: string; minor: string }>(
    `WITH RECURSIVE family AS (
       SELECT transfer_id, booked_at, 1 AS depth FROM transfers WHERE corrects_id = $1
       UNION ALL
       SELECT t.transfer_id, t.booked_at, f.depth + 1
       FROM family f JOIN transfers t ON t.corrects_id = f.transfer_id
     )
     SELECT CASE WHEN a.kind = 'wallet' THEN a.account_id::text ELSE a.kind END AS name,
       sum(e.amount_minor)::text AS minor
     FROM family f
     JOIN entries e ON e.transfer_id = f.transfer_id AND e.booked_at = f.booked_at
     JOIN accounts a ON a.account_id = e.account_id
     WHERE f.depth <= $2 GROUP BY 1`,
    [transferId, depth],
  )
  return new Map(rows.map(({ name, minor }) => [name, BigInt(minor)]))
}

/** A transfer of 100 less a fee, with two wallets that have nothing to do with it. */
function newSale() {
  const wallets = [newWallet(), newWallet(), newWallet(), newWallet()]
  const [payer, payee] = wallets as [TestWallet, TestWallet]
  const strangers = wallets.slice(2)
  const original = transfer([
    [payer, -100n],
    [payee, 100n - FEE],
    [['fees', 'USD'], FEE],
  ])
  const places: TestPosting[0][] = [['fees', 'USD'], ...strangers, payer, payee]
  const correctionOf = (
    { from, to, amount, admin }: Attempt,
    corrects = original.transferId,
  ): PostingsCommand => {
    const target = from === to ? (to + 1) % places.length : to
    const postings: TestPosting[] = [
      [places[from]!, -amount],
      [places[target]!, amount],
    ]
    return transfer(postings, { corrects, rights: { ...LEDGER_RIGHTS, admin } })
  }
  /** The bounds of what corrections did to its accounts. */
  const assertBounded = (sums: ReadonlyMap<string, bigint>): void => {
    const of = (name: string) => sums.get(name) ?? 0n
    const [ofPayer, ofPayee, ofFees] = [of(payer.accountId), of(payee.accountId), of('fees')]
    assert.ok(ofPayer >= 0n && ofPayer <= 100n, `the payer got ${ofPayer}`)
    assert.ok(ofPayee <= 0n && ofPayee >= FEE - 100n, `the payee gave ${-ofPayee}`)
    assert.ok(ofFees <= 0n && ofFees >= -FEE, `the fees gave ${-ofFees}`)
  }
  /** Others take at most what accounts of the original give, and the reverse. */
  const assertExchanged = (sums: ReadonlyMap<string, bigint>): void => {
    const of = (name: string) => sums.get(name) ?? 0n
    const given = -of(payee.accountId) - of('fees')
    let [taken, lost] = [0n, 0n]
    for (const minor of strangers.map(({ accountId }) => of(accountId))) {
      if (minor > 0n) taken += minor
      else lost -= minor
    }
    assert.ok(taken <= given, `the strangers got ${taken}, ${given} was given`)
    assert.ok(lost <= of(payer.accountId), `the strangers gave ${lost}`)
  }
  return { wallets, original, correctionOf, assertBounded, assertExchanged }
}

test('F1, rule 6: corrections of many at once keep the bound, whatever they attempt', async (t) => {
  const { pool, url } = await ledgerDatabase(t)
  const other = createPool({ url, applicationName: 'other', plans: 'by_key' })
  t.after(() => other.end())
  // Small batches on slots of their own, so that corrections of one transfer compete.
  const takers = [pool, other].map((db, slot) =>
    takerOf(db, { batchCommands: 3, slots: [slot, slot + 2] }),
  )
  const seen = { posted: 0, CORRECTION_EXCEEDS_ORIGINAL: 0, FORBIDDEN: 0, TRANSFER_NOT_FOUND: 0 }
  const submit = async (commands: readonly PostingsCommand[]): Promise<void> => {
    const parts = takers.map((_, index) => commands.filter((_c, at) => at % 2 === index))
    const settled = await Promise.all(takers.map((it, index) => submitAll(it, parts[index]!)))
    for (const one of settled.flat()) {
      assert(one.status === 'fulfilled')
      const { code = 'posted' } = JSON.parse(one.value.body) as { code?: keyof typeof seen }
      assert.ok(code in seen, one.value.body)
      seen[code] += 1
    }
  }
  const wave = fc.array(attempt, { minLength: 10, maxLength: 25 })
  await fc.assert(
    fc.asyncProperty(wave, wave, async (first, second) => {
      const { wallets, original, correctionOf, ...bounds } = newSale()
      await openWallets(pool, wallets)
      await runCommands(pool, ...wallets.map((it) => move('credit', it, 10_000n)), original)
      const direct = first.map((it) => correctionOf(it))
      await submit(direct)
      // Every other one of the second wave names a correction of the first.
      await submit(
        second.map((it, index) =>
          correctionOf(it, index % 2 === 0 ? direct[index]?.transferId : undefined),
        ),
      )
      const [named, family] = [
        await sumsOf(pool, original.transferId, 1),
        await sumsOf(pool, original.transferId, 9),
      ]
      for (const sums of [named, family]) bounds.assertBounded(sums)
      for (const sums of [named, family]) bounds.assertExchanged(sums)
    }),
    { numRuns: 12 },
  )
  assert.ok(
    Object.values(seen).every((count) => count > 10),
    JSON.stringify(seen),
  )
  assert.deepEqual(await findViolations(pool), [])
})

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { move, transfer } from './client-commands.ts'
import { openWallets, runBatch, runCommands } from './ledger-fixture.ts'
import { completed, newPayment, requested } from './payment-events.ts'
import { newWallet } from './test-wallet.ts'
import { eventWork } from './work.ts'
import { call, type Reply, startWorld, type World } from './world.ts'

interface ListedEntry {
  entry_id: string
  transfer_id: string
  kind: string
  balance: string
  amount: string
  balance_after: string
  payment_id: string | null
  created_at: string
}

describe('a wallet over HTTP', () => {
  const scope = suiteScope()
  let world: World

  before(async () => {
    world = await startWorld(scope)
  })

  function entriesOf(reply: Reply): ListedEntry[] {
    assert.equal(reply.status, 200, reply.text)
    return reply.json['data'] as ListedEntry[]
  }

  function assertProblem(reply: Reply, status: number, code: string): void {
    assert.equal(reply.status, status, reply.text)
    assert.equal(reply.json['code'], code)
  }

  test('a user sees the balances of their own wallet, with the decimals of the currency', async () => {
    const usd = newWallet()
    const jpy = newWallet({ currency: 'JPY', userId: usd.userId })
    await openWallets(world.db, [usd, jpy])
    await runCommands(world.db, move('credit', usd, 10_050n), move('hold', usd, 51n))
    await runCommands(world.db, move('credit', jpy, 700n))
    const token = await world.userToken(usd.userId)
    assert.deepEqual((await call(world, '/v1/wallet', { token })).json, {
      wallet_id: usd.walletId,
      accounts: [
        { account_id: jpy.accountId, currency: 'JPY', available: '700', held: '0' },
        { account_id: usd.accountId, currency: 'USD', available: '99.99', held: '0.51' },
      ],
    })
  })

  test('a user without a wallet has no accounts and no entries', async () => {
    const token = await world.userToken(newId())
    const wallet = await call(world, '/v1/wallet', { token })
    assert.deepEqual(wallet.json['accounts'], [])
    const entries = await call(world, '/v1/wallet/entries', { token })
    assert.deepEqual(entries.json, { data: [], has_more: false, next_cursor: null })
  })

  test('entries come newest first, page by page, with their payment', async () => {
    const wallet = newWallet()
    await openWallets(world.db, [wallet])
    await runCommands(world.db, move('credit', wallet, 10_000n))
    const payment = newPayment(wallet, 2_500n)
    const { outcomes } = await runBatch(world.db, [eventWork(requested(payment))])
    const holdId = outcomes[0]?.type === 'posted' ? outcomes[0].transfer.transferId : ''
    await runBatch(world.db, [eventWork(completed({ ...payment, holdId }))])
    const token = await world.userToken(wallet.userId)
    const path = `/v1/wallet/entries?account_id=${wallet.accountId}`
    const all = entriesOf(await call(world, path, { token }))
    assert.deepEqual(
      all.map((it) => [it.kind, it.balance, it.amount, it.balance_after, it.payment_id]),
      [
        ['commit', 'held', '-25.00', '0.00', payment.paymentId],
        ['hold', 'held', '25.00', '25.00', payment.paymentId],
        ['hold', 'available', '-25.00', '75.00', payment.paymentId],
        ['credit', 'available', '100.00', '100.00', null],
      ],
    )
    assert.equal(new Set(all.map((it) => it.entry_id)).size, 4)
    for (const { created_at } of all) assert.match(created_at, /^\d{4}-.*T.*\.\d{3}Z$/)
    const paged: ListedEntry[] = []
    let cursor = ''
    for (;;) {
      const page = await call(world, `${path}&limit=1${cursor}`, { token })
      paged.push(...entriesOf(page))
      if (page.json['has_more'] === false) break
      cursor = `&cursor=${String(page.json['next_cursor'])}`
    }
    assert.deepEqual(paged, all)
    const [first] = entriesOf(await call(world, '/v1/wallet/entries?limit=1', { token }))
    assert.deepEqual(first, all[0])
  })

  test('the entry that an answer named is in the history', async () => {
    const wallet = newWallet()
    await openWallets(world.db, [wallet])
    const credit = await call(world, '/v1/wallet/credit', {
      token: await world.clientToken(),
      headers: { 'x-idempotency-key': newId() },
      body: {
        account_id: wallet.accountId,
        amount: { minor_units: 5, currency: 'USD' },
        reason: 'test',
        reference_id: newId(),
      },
    })
    const token = await world.userToken(wallet.userId)
    const [entry] = entriesOf(await call(world, '/v1/wallet/entries', { token }))
    assert.equal(entry?.entry_id, credit.json['entry_id'])
  })

  test('a user sees a transfer as a credit or a debit', async () => {
    const [giver, taker] = [newWallet(), newWallet()]
    await openWallets(world.db, [giver, taker])
    await runCommands(world.db, move('credit', giver, 100n))
    await runCommands(
      world.db,
      transfer([
        [giver, -40n],
        [taker, 40n],
      ]),
    )
    for (const [wallet, kind] of [
      [giver, 'debit'],
      [taker, 'credit'],
    ] as const) {
      const token = await world.userToken(wallet.userId)
      const [last] = entriesOf(await call(world, '/v1/wallet/entries', { token }))
      assert.deepEqual([last!.kind, last!.balance], [kind, 'available'])
    }
  })

  test("another user's account is not found", async () => {
    const [own, other] = [newWallet(), newWallet()]
    await openWallets(world.db, [own, other])
    const token = await world.userToken(own.userId)
    for (const id of [other.accountId, newId(), 'acc_42', '%00']) {
      const reply = await call(world, `/v1/wallet/entries?account_id=${id}`, { token })
      assertProblem(reply, 404, 'ACCOUNT_NOT_FOUND')
    }
  })

  test('a user with several accounts must name one', async () => {
    const usd = newWallet()
    await openWallets(world.db, [usd, newWallet({ currency: 'JPY', userId: usd.userId })])
    const token = await world.userToken(usd.userId)
    assertProblem(await call(world, '/v1/wallet/entries', { token }), 400, 'MALFORMED_REQUEST')
  })

  test('a bad limit or cursor is refused', async () => {
    const wallet = newWallet()
    await openWallets(world.db, [wallet])
    const token = await world.userToken(wallet.userId)
    const bad = ['limit=0', 'limit=101', 'limit=-1', 'limit=x', 'cursor=x', 'cursor=e30', 'cursor=']
    for (const query of bad) {
      const reply = await call(world, `/v1/wallet/entries?${query}`, { token })
      assertProblem(reply, 400, 'MALFORMED_REQUEST')
    }
  })

  test('a wallet needs a user token of the gateway', async () => {
    for (const path of ['/v1/wallet', '/v1/wallet/entries']) {
      const client = await world.clientToken('ledger:read ledger:write wallet:read')
      assertProblem(await call(world, path, { token: client }), 403, 'FORBIDDEN')
      assertProblem(await call(world, path), 401, 'UNAUTHENTICATED')
    }
  })
})

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { LEDGER_RIGHTS } from '../src/ledger/domain/rights.ts'
import { close, move, transfer } from './client-commands.ts'
import { assertProblem } from './ledger-client.ts'
import { openWallets, runBatch, runCommands } from './ledger-fixture.ts'
import { completed, newPayment, requested } from './payment-events.ts'
import { newWallet } from './test-wallet.ts'
import { clientWork, eventWork } from './work.ts'
import { call, readJson, startWorld, type World } from './world.ts'

interface Money {
  minor_units: number
  currency: string
}

const usd = (minor_units: number): Money => ({ minor_units, currency: 'USD' })

describe('E4: the history of the ledger over HTTP', () => {
  const scope = suiteScope()
  let world: World
  let token: string

  before(async () => {
    world = await startWorld(scope)
    token = await world.clientToken('ledger:read')
  })

  const get = (path: string) => readJson(world, path, token)

  test('an account shows its balances, its overdraft rule and its version', async () => {
    const wallet = newWallet()
    await openWallets(world.db, [wallet])
    await runCommands(world.db, move('credit', wallet, 100n), move('hold', wallet, 30n))
    const { opened_at: openedAt, ...account } = await get(`/v1/accounts/${wallet.accountId}`)
    assert.match(String(openedAt), /^\d{4}-.*Z$/)
    assert.deepEqual(account, {
      account_id: wallet.accountId,
      kind: 'wallet',
      status: 'open',
      currency: 'USD',
      wallet_id: wallet.walletId,
      user_id: wallet.userId,
      stripe: null,
      psp: null,
      available: usd(70),
      held: usd(30),
      overdraft: { rule: 'never', limit: usd(0) },
      version: 2,
    })
  })

  test('the accounts of a user or a wallet come page by page, by currency', async () => {
    const first = newWallet()
    const { userId, walletId } = first
    const others = ['EUR', 'JPY'].map((currency) => newWallet({ currency, userId }))
    await openWallets(world.db, [first, ...others])
    for (const name of [`user_id=${userId}`, `wallet_id=${walletId.toUpperCase()}`]) {
      const page = await get(`/v1/accounts?${name}&limit=2`)
      const next = await get(`/v1/accounts?${name}&limit=2&cursor=${String(page['next_cursor'])}`)
      const found = [page, next].flatMap((it) => it['data'] as { currency: string }[])
      assert.deepEqual(
        found.map(({ currency }) => currency),
        ['EUR', 'JPY', 'USD'],
      )
      assert.deepEqual([page['has_more'], next['has_more']], [true, false])
    }
    assert.deepEqual((await get(`/v1/accounts?user_id=${newId()}`))['data'], [])
    assert.deepEqual((await get('/v1/accounts?user_id=unknown'))['data'], [])
  })

  test('a statement has opening, lines and closing; a transfer has its entries', async () => {
    const wallet = newWallet()
    await openWallets(world.db, [wallet])
    await runCommands(world.db, move('credit', wallet, 1_000n, { reference: `in-${newId()}` }))
    const payment = newPayment(wallet, 250n)
    const { outcomes } = await runBatch(world.db, [eventWork(requested(payment))])
    const holdId = outcomes[0]?.type === 'posted' ? outcomes[0].transfer.transferId : ''
    await runBatch(world.db, [eventWork(completed({ ...payment, holdId }))])
    const path = `/v1/accounts/${wallet.accountId}/statement`
    const page = await get(`${path}?limit=2`)
    const cursor = String(page['next_cursor'])
    const rest = await get(`${path}?limit=2&cursor=${cursor}`)
    assert.deepEqual(page['opening'], { available: usd(0), held: usd(0) })
    assert.deepEqual(page['closing'], { available: usd(750), held: usd(0) })
    assert.deepEqual(rest['opening'], page['closing'])
    assert.deepEqual(rest['closing'], { available: usd(750), held: usd(0) })
    const lines = [page, rest].flatMap((it) => it['data'] as Record<string, unknown>[])
    assert.deepEqual(
      lines.map((it) => [
        it['kind'],
        it['balance'],
        (it['amount'] as Money).minor_units,
        (it['balance_before'] as Money).minor_units,
        (it['balance_after'] as Money).minor_units,
        it['payment_id'],
      ]),
      [
        ['credit', 'available', 1_000, 0, 1_000, null],
        ['hold', 'available', -250, 1_000, 750, payment.paymentId],
        ['hold', 'held', 250, 0, 250, payment.paymentId],
        ['commit', 'held', -250, 250, 0, payment.paymentId],
      ],
    )
    const [first] = lines
    assert.equal(first!['value_date'], String(first!['booked_at']).slice(0, 10))

    const transfer = await get(`/v1/transfers/${String(lines[3]!['transfer_id'])}`)
    const entries = transfer['entries'] as Record<string, unknown>[]
    assert.deepEqual(
      entries.map((it) => [it['account_kind'], it['balance'], it['amount']]),
      [
        ['wallet', 'held', usd(-250)],
        ['psp_settlement', 'available', usd(250)],
      ],
    )
    assert.equal(entries[0]!['entry_id'], lines[3]!['entry_id'])
    assert.deepEqual(
      [transfer['kind'], transfer['payment_id'], transfer['hold_id'], transfer['corrects']],
      ['commit', payment.paymentId, holdId, null],
    )
    assert.deepEqual(transfer['corrected_by'], [])
    const balance = `/v1/accounts/${wallet.accountId}/balance`
    const at = String(lines[1]!['booked_at'])
    const then = await get(`${balance}?as_of=${at}`)
    assert.deepEqual(
      [then['by'], then['as_of'], then['available'], then['held'], then['version']],
      ['booking', at, usd(750), usd(250), 2],
    )
    const now = await get(balance)
    assert.deepEqual([now['available'], now['held'], now['version']], [usd(750), usd(0), 3])
    const day = String(first!['value_date'])
    const byValue = await get(`${balance}?by=value&as_of=${day}`)
    assert.deepEqual([byValue['as_of'], byValue['available']], [day, usd(750)])
  })

  test('amounts beyond the numbers of JavaScript stay exact', async () => {
    const wallet = newWallet()
    await openWallets(world.db, [wallet])
    await runCommands(world.db, move('credit', wallet, 2n ** 63n - 1n))
    const { text } = await call(world, `/v1/accounts/${wallet.accountId}/statement`, { token })
    assert.match(text, /"closing":\{"available":\{"minor_units":9223372036854775807,/)
  })

  test('the accounts of the system are summed over their slots; the trial balance is zero', async () => {
    const tenantId = 'trial'
    const own = await world.clientToken('ledger:read', 'tester', tenantId)
    const [wallet, yen] = [newWallet({ tenantId }), newWallet({ tenantId, currency: 'JPY' })]
    await openWallets(world.db, [wallet, yen])
    await runBatch(world.db, [
      clientWork(move('credit', wallet, 70n), 1),
      clientWork(move('credit', wallet, 30n), 2),
      clientWork(move('debit', wallet, 20n), 3),
      clientWork(move('hold', wallet, 5n)),
      clientWork(move('credit', yen, 9n)),
    ])
    const read = async (path: string) => (await call(world, path, { token: own })).json
    const page = await read('/v1/system-accounts?limit=2')
    const more = await read(`/v1/system-accounts?cursor=${String(page['next_cursor'])}`)
    const found = [page, more].flatMap((it) => it['data'] as Record<string, unknown>[])
    const zero = usd(0)
    assert.deepEqual(found, [
      {
        kind: 'deposits_clearing',
        psp: null,
        currency: 'JPY',
        available: { minor_units: -9, currency: 'JPY' },
        held: { minor_units: 0, currency: 'JPY' },
        stripes: 1,
      },
      {
        kind: 'deposits_clearing',
        psp: null,
        currency: 'USD',
        available: usd(-100),
        held: zero,
        stripes: 2,
      },
      {
        kind: 'payouts_clearing',
        psp: null,
        currency: 'USD',
        available: usd(20),
        held: zero,
        stripes: 1,
      },
    ])
    const trial = await read('/v1/trial-balance?currency=USD')
    assert.deepEqual(trial['data'], [
      {
        currency: 'USD',
        accounts: [
          {
            kind: 'deposits_clearing',
            accounts: 1,
            available: usd(-100),
            held: zero,
            debit: usd(100),
            credit: zero,
          },
          {
            kind: 'payouts_clearing',
            accounts: 1,
            available: usd(20),
            held: zero,
            debit: zero,
            credit: usd(20),
          },
          {
            kind: 'wallet',
            accounts: 1,
            available: usd(75),
            held: usd(5),
            debit: zero,
            credit: usd(80),
          },
        ],
        debit: usd(100),
        credit: usd(100),
        total: zero,
      },
    ])
    const both = await read('/v1/trial-balance')
    assert.deepEqual(
      (both['data'] as { currency: string }[]).map(({ currency }) => currency),
      ['JPY', 'USD'],
    )
    const past = await read('/v1/trial-balance?as_of=2020-01-01T05:30:00%2B05:30')
    assert.equal(past['as_of'], '2020-01-01T00:00:00Z')
    for (const { debit } of past['data'] as { debit: Money }[]) assert.equal(debit.minor_units, 0)
  })

  test('an invalid parameter is refused by its name', async () => {
    const wallet = newWallet()
    await openWallets(world.db, [wallet])
    await runCommands(world.db, move('credit', wallet, 5n), move('credit', wallet, 5n))
    const account = `/v1/accounts/${wallet.accountId}`
    const page = await get(`${account}/statement?limit=1`)
    const cursor = `cursor=${String(page['next_cursor'])}`
    const bad: [path: string, detail: RegExp][] = [
      [`${account}/balance?as_of=yesterday`, /as_of must be a time of RFC 3339/],
      [`${account}/balance?as_of=2026-01-31`, /as_of is not a time/],
      [`${account}/balance?as_of=2026-02-30T00:00:00Z`, /as_of/],
      [`${account}/balance?as_of=2026-01-31T24:00:00Z`, /as_of/],
      [`${account}/balance?as_of=2026-01-31T10:00:00+01:00`, /%2B/],
      [`${account}/balance?as_of=0000-01-01T00:00:00Z`, /as_of/],
      [`${account}/balance?by=value&as_of=2026-13-01`, /as_of must be a time of RFC 3339/],
      [`${account}/balance?by=heart`, /by/],
      [`${account}/balance?as_of=`, /as_of/],
      [`${account}/statement?from=x`, /from/],
      [`${account}/statement?to=x`, /to/],
      [`${account}/statement?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z`, /to is before/],
      [`${account}/statement?by=value&from=2026-01-02&to=2026-01-01`, /to is before from/],
      [`${account}/statement?limit=0`, /limit/],
      [`${account}/statement?limit=101`, /limit/],
      [`${account}/statement?cursor=e30`, /cursor/],
      [`${account}/statement?by=value&${cursor}`, /cursor is not of/],
      [`${account}/statement?from=2020-01-01T00:00:00Z&${cursor}`, /cursor is not of/],
      [`/v1/accounts?user_id=${newId()}&wallet_id=${newId()}`, /user_id or wallet_id/],
      ['/v1/system-accounts?cursor=x', /cursor/],
      ['/v1/trial-balance?currency=XXQ', /currency/],
      ['/v1/trial-balance?by=value', /as_of is required/],
    ]
    for (const [path, detail] of bad) {
      assertProblem(await call(world, path, { token }), 400, 'MALFORMED_REQUEST', detail)
    }
    const other = newWallet()
    await openWallets(world.db, [other])
    const elsewhere = `/v1/accounts/${other.accountId}/statement?${cursor}`
    assertProblem(await call(world, elsewhere, { token }), 400, 'MALFORMED_REQUEST', /cursor/)
  })

  test('what is not there, or is of another tenant, is not found', async () => {
    const wallet = newWallet({ tenantId: 'another' })
    await openWallets(world.db, [wallet])
    const { outcomes } = await runCommands(world.db, move('credit', wallet, 5n))
    const made = outcomes[0]?.type === 'posted' ? outcomes[0].transfer.transferId : ''
    for (const id of [wallet.accountId, newId(), 'acc_42', '%00', 'ffffffff']) {
      for (const path of ['', '/balance', '/statement']) {
        const reply = await call(world, `/v1/accounts/${id}${path}`, { token })
        assertProblem(reply, 404, 'ACCOUNT_NOT_FOUND')
      }
    }
    for (const id of [made, newId(), 'x']) {
      assertProblem(await call(world, `/v1/transfers/${id}`, { token }), 404, 'TRANSFER_NOT_FOUND')
    }
  })

  test('the history is for internal clients with the scope ledger:read', async () => {
    const id = newId()
    const paths = ['', `/${id}`, `/${id}/balance`, `/${id}/statement`].map((it) => `accounts${it}`)
    for (const path of [...paths, `transfers/${id}`, 'system-accounts', 'trial-balance']) {
      const writer = await world.clientToken('ledger:write')
      assertProblem(await call(world, `/v1/${path}`, { token: writer }), 403, 'FORBIDDEN')
      assertProblem(await call(world, `/v1/${path}`), 401, 'UNAUTHENTICATED')
      const user = await world.userToken(newId())
      assertProblem(await call(world, `/v1/${path}`, { token: user }), 403, 'FORBIDDEN')
    }
  })

  test('the OpenAPI document has the history with its answers', async () => {
    const { paths } = (await call(world, '/openapi.json')).json as {
      paths: Record<string, { get?: { responses: Record<string, unknown> } }>
    }
    for (const path of [
      '/v1/accounts',
      '/v1/accounts/{account_id}',
      '/v1/accounts/{account_id}/balance',
      '/v1/accounts/{account_id}/statement',
      '/v1/transfers/{transfer_id}',
      '/v1/system-accounts',
      '/v1/trial-balance',
    ]) {
      assert.ok(paths[path]?.get?.responses['200'], path)
    }
  })

  test('a hold that was partly committed and released shows every step', async () => {
    const wallet = newWallet()
    await openWallets(world.db, [wallet])
    const hold = move('hold', wallet, 60n)
    await runCommands(world.db, move('credit', wallet, 100n), hold)
    await runCommands(
      world.db,
      close('commit', wallet, hold.transferId, 25n),
      close('rollback', wallet, hold.transferId),
    )
    const { data, closing } = await get(`/v1/accounts/${wallet.accountId}/statement`)
    const holds = (data as Record<string, unknown>[]).map((it) => [it['kind'], it['hold_id']])
    assert.deepEqual(holds, [
      ['credit', null],
      ['hold', hold.transferId],
      ['hold', hold.transferId],
      ['commit', hold.transferId],
      ['rollback', hold.transferId],
      ['rollback', hold.transferId],
    ])
    assert.deepEqual(closing, { available: usd(75), held: usd(0) })
  })

  test('a transfer and its correction know each other', async () => {
    const [one, two] = [newWallet(), newWallet()]
    await openWallets(world.db, [one, two])
    const wrong = transfer([
      [one, 40n],
      [['suspense', 'USD'], -40n],
    ])
    await runCommands(world.db, wrong)
    const right = transfer(
      [
        [one, -40n],
        [two, 40n],
      ],
      { corrects: wrong.transferId, rights: LEDGER_RIGHTS },
    )
    await runCommands(world.db, right)
    const [first, second] = [
      await get(`/v1/transfers/${wrong.transferId}`),
      await get(`/v1/transfers/${right.transferId.toUpperCase()}`),
    ]
    assert.deepEqual([first['corrects'], first['corrected_by']], [null, [right.transferId]])
    assert.deepEqual([second['corrects'], second['corrected_by']], [wrong.transferId, []])
    assert.deepEqual([first['correction'], second['correction']], [null, 'reclassified'])
  })

  // The last one: from here on the books begin in 2001.
  test('a time before the kept history is refused with the time where it begins', async () => {
    const wallet = newWallet()
    await openWallets(world.db, [wallet])
    await world.asAdmin(
      `INSERT INTO detached_months (month, kept_from, value_dates_to, transfers, entries)
       VALUES ('2000-12-01', '2001-01-01T00:00:00Z', '2000-12-31', 1, 2)`,
    )
    for (const path of [
      `accounts/${wallet.accountId}/balance?as_of=2000-12-31T23:59:59.998Z`,
      `accounts/${wallet.accountId}/balance?by=value&as_of=2000-12-30`,
      `accounts/${wallet.accountId}/statement?from=2000-12-31T00:00:00Z`,
      `accounts/${wallet.accountId}/statement?by=value&from=2000-12-31`,
      'trial-balance?as_of=2000-06-01T00:00:00Z',
    ]) {
      const reply = await call(world, `/v1/${path}`, { token })
      assertProblem(reply, 410, 'HISTORY_DETACHED', /the books begin with 2001-01-01T00:00:00/)
      assert.equal(reply.json['kept_from'], '2001-01-01T00:00:00.000Z')
    }
    await get(`/v1/accounts/${wallet.accountId}/balance?by=value&as_of=2000-12-31`)
  })
})

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { accountIdOf, newId, walletIdOf } from '@caudal/contracts/ids.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import { dropOldKeys } from '@caudal/idempotency/drop-old-keys.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { findViolations } from './find-violations.ts'
import { assertProblem, type LedgerClient, ledgerClient, posting } from './ledger-client.ts'
import { newPayment, requested } from './payment-events.ts'
import { newWallet, TENANT, type TestWallet } from './test-wallet.ts'
import { call, startWorld, type World } from './world.ts'

describe('accounts over HTTP', () => {
  const scope = suiteScope()
  let world: World
  let ledger: LedgerClient

  before(async () => {
    world = await startWorld(scope)
    ledger = await ledgerClient(world)
  })

  const move = (kind: string, { accountId, currency }: TestWallet, units: number, more = {}) => {
    const amount = { minor_units: units, currency }
    return ledger.post(`/v1/wallet/${kind}`, { account_id: accountId, amount, ...more })
  }
  const change = (what: string, { accountId }: TestWallet, more = {}, key = newId()) =>
    ledger.post(`/v1/accounts/${accountId}/${what}`, more, { key })
  const limitTo = (wallet: TestWallet, minor_units: number, currency = wallet.currency) =>
    change('overdraft', wallet, { limit: { minor_units, currency } })

  test('a repeated opening returns the account of the user and the currency', async () => {
    const token = await world.clientToken('ledger:admin')
    const userId = newId()
    const open = () =>
      call(world, '/v1/accounts', { token, body: { user_id: userId, currency: 'JPY' } })
    const first = await open()
    assert.equal(first.status, 201, first.text)
    assert.deepEqual(first.json, {
      account_id: accountIdOf(TENANT, userId, 'JPY'),
      wallet_id: walletIdOf(TENANT, userId),
      user_id: userId,
      currency: 'JPY',
      status: 'open',
    })
    const second = await open()
    assert.deepEqual([second.status, second.text], [200, first.text])
    const wrong = { user_id: userId, currency: 'XXX' }
    const reply = await call(world, '/v1/accounts', { token, body: wrong })
    assertProblem(reply, 400, 'MALFORMED_REQUEST')
    const { rows } = await world.db.query(
      `SELECT FROM outbox WHERE payload::json->>'event_type' = 'wallet.account.opened.committed'
         AND record_key = $1`,
      [accountIdOf(TENANT, userId, 'JPY')],
    )
    assert.equal(rows.length, 1)
  })

  test('a frozen account takes no commands, but its holds still end; unfrozen it does', async () => {
    const wallet = await ledger.wallet(100)
    const held = await move('hold', wallet, 30)
    const frozen = await change('freeze', wallet)
    assert.equal(frozen.status, 200, frozen.text)
    assert.deepEqual(frozen.json['account'], {
      account_id: wallet.accountId,
      status: 'frozen',
      overdraft_limit: { minor_units: 0, currency: 'USD' },
    })
    for (const kind of ['credit', 'debit', 'hold']) {
      assertProblem(await move(kind, wallet, 1), 422, 'ACCOUNT_FROZEN')
    }
    const postings = [posting(['suspense', 'USD'], -1), posting(wallet, 1)]
    assertProblem(await ledger.post('/v1/transfers', { postings }), 422, 'ACCOUNT_FROZEN')
    const { hold_id } = held.json
    const about = { account_id: wallet.accountId, hold_id }
    const part = { ...about, amount: { minor_units: 10, currency: 'USD' } }
    assert.equal((await ledger.post('/v1/wallet/commit', part)).status, 200)
    assert.equal((await ledger.post('/v1/wallet/rollback', about)).status, 200)
    assert.equal((await change('unfreeze', wallet)).status, 200)
    assert.equal((await move('debit', wallet, 90)).status, 200)
    assert.equal(await ledger.balances(wallet), '0/0')
  })

  test('an account is closed when it is empty, and for ever', async () => {
    const wallet = await ledger.wallet(10)
    assertProblem(await change('close', wallet), 422, 'ACCOUNT_NOT_EMPTY')
    await move('hold', wallet, 10)
    assertProblem(await change('close', wallet), 422, 'ACCOUNT_NOT_EMPTY')
    const empty = await ledger.wallet()
    const key = newId()
    const closed = await change('close', empty, {}, key)
    assert.equal(closed.status, 200, closed.text)
    assert.equal((await change('close', empty, {}, key)).text, closed.text)
    assertProblem(await move('credit', empty, 1), 422, 'ACCOUNT_CLOSED')
    for (const what of ['freeze', 'unfreeze', 'close']) {
      assertProblem(await change(what, empty), 422, 'ACCOUNT_CLOSED')
    }
    assertProblem(await limitTo(empty, 5), 422, 'ACCOUNT_CLOSED')
  })

  test('P7: a payment of a closed account is refused with the reason account_frozen', async () => {
    const wallet = await ledger.wallet()
    await change('close', wallet)
    const payment = newPayment(wallet, 10n)
    await world.publish(TOPICS.paymentsRequested, requested(payment))
    await eventually(async () => {
      const { rows } = await world.db.query<{ status: string; refused_for: string }>(
        'SELECT status, refused_for FROM holds WHERE payment_id = $1',
        [payment.paymentId],
      )
      assert.deepEqual(rows, [{ status: 'refused', refused_for: 'account_frozen' }])
      return true
    })
  })

  test('an account goes below zero as far as its limit, and no further', async () => {
    const wallet = await ledger.wallet(10)
    assertProblem(await move('debit', wallet, 11), 422, 'INSUFFICIENT_FUNDS')
    assert.equal((await limitTo(wallet, 50)).status, 200)
    assert.equal((await move('debit', wallet, 40)).status, 200)
    assert.equal((await move('hold', wallet, 20)).status, 200)
    assert.equal(await ledger.balances(wallet), '-50/20')
    for (const kind of ['debit', 'hold']) {
      assertProblem(await move(kind, wallet, 1), 422, 'INSUFFICIENT_FUNDS')
    }
    assertProblem(await limitTo(wallet, 49), 422, 'OVERDRAFT_IN_USE')
    assertProblem(await limitTo(wallet, 60, 'EUR'), 422, 'CURRENCY_MISMATCH')
    assertProblem(await limitTo(wallet, -1), 400, 'MALFORMED_REQUEST')
    await move('credit', wallet, 50)
    assert.equal((await limitTo(wallet, 0)).status, 200)
    await assert.rejects(
      world.db.query('UPDATE accounts SET available_minor = -1 WHERE account_id = $1', [
        wallet.accountId,
      ]),
      /accounts_available_not_negative/,
    )
  })

  test('accounts are changed by clients with the scope ledger:admin, each by its tenant', async () => {
    const wallet = await ledger.wallet()
    const writer = await world.clientToken('ledger:write')
    const path = `/v1/accounts/${wallet.accountId}/freeze`
    assertProblem(await ledger.post(path, {}, { token: writer }), 403, 'FORBIDDEN')
    const user = await world.userToken(wallet.userId)
    assertProblem(await ledger.post(path, {}, { token: user }), 403, 'FORBIDDEN')
    assertProblem(await change('freeze', newWallet()), 404, 'ACCOUNT_NOT_FOUND')
    const { rows } = await world.db.query<{ id: string }>(
      `SELECT account_id AS id FROM accounts WHERE kind <> 'wallet' LIMIT 1`,
    )
    const system = { ...wallet, accountId: rows[0]!.id }
    assertProblem(await change('freeze', system), 404, 'ACCOUNT_NOT_FOUND')
    const key = newId()
    await change('freeze', wallet, {}, key)
    assertProblem(await change('unfreeze', wallet, {}, key), 422, 'IDEMPOTENCY_MISMATCH')
    const used = await change('freeze', wallet, { reference_id: key })
    assertProblem(used, 409, 'REFERENCE_ALREADY_USED')
  })

  test('a hold with an expiry shows its time, and is released at that time', async () => {
    const wallet = await ledger.wallet(10)
    const from = Date.now()
    const held = await move('hold', wallet, 10, { expires_in_seconds: 3 })
    const keys = ['status', 'entry_id', 'hold_id', 'expires_at']
    assert.deepEqual(Object.keys(held.json), keys)
    assert.ok(Date.parse(String(held.json['expires_at'])) - from >= 3_000)
    assert.equal(await ledger.balances(wallet), '0/10')
    await eventually(async () => (await ledger.balances(wallet)) === '10/0')
    const late = { account_id: wallet.accountId, hold_id: held.json['hold_id'] }
    assertProblem(await ledger.post('/v1/wallet/commit', late), 422, 'HOLD_NOT_OPEN')
    for (const expires_in_seconds of [0, -1, 31_622_401, 1.5, '60']) {
      const reply = await move('hold', wallet, 1, { expires_in_seconds })
      assertProblem(reply, 400, 'MALFORMED_REQUEST')
    }
  })

  test('several commits take a hold up to its amount, the last may release the rest', async () => {
    const wallet = await ledger.wallet(100)
    const { hold_id } = (await move('hold', wallet, 80)).json
    const commit = (minor_units: number, more = {}) => {
      const amount = { minor_units, currency: 'USD' }
      const about = { account_id: wallet.accountId, hold_id, amount }
      return ledger.post('/v1/wallet/commit', { ...about, ...more })
    }
    assert.equal((await commit(30)).status, 200)
    const { accountId: account_id } = wallet
    const more = { account_id, hold_id, amount: { minor_units: 51, currency: 'USD' } }
    for (const kind of ['commit', 'rollback']) {
      const tooMuch = await ledger.post(`/v1/wallet/${kind}`, more)
      assertProblem(tooMuch, 422, 'INSUFFICIENT_FUNDS')
      assert.equal(tooMuch.json['detail'], 'The amount exceeds the remaining hold')
    }
    const debit = await move('debit', wallet, 51)
    assert.equal(debit.json['detail'], 'The available balance is too small')
    assert.equal((await commit(20, { release_rest: true })).status, 200)
    assert.equal(await ledger.balances(wallet), '50/0')
    assertProblem(await commit(1), 422, 'HOLD_NOT_OPEN')
  })

  test('F2: keys of the last 30 days are kept, older ones leave in batches', async () => {
    const wallet = await ledger.wallet(5)
    const age = (days: number) =>
      world.asAdmin(
        `INSERT INTO idempotency_keys
         SELECT now() - make_interval(days => $1), 200, 'caudal', 'old', $1 || '-' || n,
           '\\x00', '{}'
         FROM generate_series(1, 6000) n`,
        [days],
      )
    await age(29)
    await age(31)
    assert.equal(await dropOldKeys(world.db, 30), 6_000)
    // The database keeps them, whatever the service asks for.
    assert.equal(await dropOldKeys(world.db, 1), 0)
    assert.equal(await ledger.balances(wallet), '5/0')
  })

  test('after all that the books are in order', async () => {
    assert.deepEqual(await findViolations(world.db), [])
  })
})

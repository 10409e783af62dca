import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { findViolations } from './find-violations.ts'
import { openWallets } from './ledger-fixture.ts'
import { newWallet, type TestWallet } from './test-wallet.ts'
import { call, type Reply, startWorld, type World } from './world.ts'

const MAX = '9223372036854775807'

describe('the ledger over HTTP', () => {
  const scope = suiteScope()
  let world: World
  let token: string

  before(async () => {
    world = await startWorld(scope)
    token = await world.clientToken()
  })

  async function openedWallet(currency = 'USD'): Promise<TestWallet> {
    const wallet = newWallet({ currency })
    await openWallets(world.db, [wallet])
    return wallet
  }

  interface Asked {
    key?: string
    reference?: string
    minorUnits?: number | string
    currency?: string
    holdId?: string
    token?: string
    reason?: string
  }

  /** Amounts are spliced in as text, since JavaScript's numbers would round large ones. */
  function ask(
    kind: string,
    { accountId, currency }: TestWallet,
    asked: Asked = {},
  ): Promise<Reply> {
    const key = asked.key ?? newId()
    const amount = { minor_units: 0, currency: asked.currency ?? currency }
    const body = JSON.stringify({
      account_id: accountId,
      ...(asked.minorUnits !== undefined && { amount }),
      ...(asked.holdId !== undefined && { hold_id: asked.holdId }),
      reason: asked.reason ?? 'test',
      reference_id: asked.reference ?? key,
    })
    return call(world, `/v1/wallet/${kind}`, {
      token: asked.token ?? token,
      headers: { 'x-idempotency-key': key, 'x-trace-id': 'tr_a1b2' },
      body: body.replace('"minor_units":0', `"minor_units":${asked.minorUnits}`),
    })
  }

  async function balances({ accountId }: TestWallet): Promise<[string, string]> {
    const { rows } = await world.db.query<{ available: string; held: string }>(
      'SELECT available_minor AS available, held_minor AS held FROM accounts WHERE account_id = $1',
      [accountId],
    )
    return [rows[0]!.available, rows[0]!.held]
  }

  function assertProblem(reply: Reply, status: number, code: string): void {
    assert.equal(reply.status, status, reply.text)
    assert.equal(reply.headers['content-type'], 'application/problem+json')
    assert.equal(reply.json['code'], code)
    assert.match(String(reply.json['trace_id']), /^[0-9a-f]{32}$/)
  }

  test('F1: credit and debit answer in the documented form', async () => {
    const wallet = await openedWallet()
    const credit = await ask('credit', wallet, { minorUnits: 5_000 })
    assert.equal(credit.status, 200)
    assert.equal(credit.headers['content-type'], 'application/json; charset=utf-8')
    assert.deepEqual(Object.keys(credit.json), ['status', 'entry_id'])
    assert.equal(credit.json['status'], 'committed')
    assert.equal((await ask('debit', wallet, { minorUnits: 1_200 })).status, 200)
    assert.deepEqual(await balances(wallet), ['3800', '0'])
  })

  test('F2: a repeat gets the same bytes and is marked as a repeat', async () => {
    const wallet = await openedWallet()
    const asked = { key: `debit ${newId()}`.replace(' ', '_'), minorUnits: 100 }
    const first = await ask('credit', wallet, asked)
    const second = await ask('credit', wallet, asked)
    assert.equal(second.text, first.text)
    assert.equal(second.status, first.status)
    assert.equal(first.headers['idempotency-replayed'], undefined)
    assert.equal(second.headers['idempotency-replayed'], 'true')
    assert.deepEqual(await balances(wallet), ['100', '0'])
  })

  test('F2: a refusal is replayed byte for byte, even when it would succeed by now', async () => {
    const wallet = await openedWallet()
    const asked = { key: newId(), minorUnits: 100 }
    const first = await ask('debit', wallet, asked)
    assertProblem(first, 422, 'INSUFFICIENT_FUNDS')
    await ask('credit', wallet, { minorUnits: 500 })
    const second = await ask('debit', wallet, asked)
    assert.equal(second.text, first.text)
    assert.equal(second.headers['idempotency-replayed'], 'true')
    assert.deepEqual(await balances(wallet), ['500', '0'])
  })

  test('F2: the same key for another request is refused for any difference', async () => {
    const wallet = await openedWallet()
    const key = newId()
    const asked = { key, minorUnits: 100, reference: key }
    await ask('credit', wallet, asked)
    const others = [
      ask('credit', wallet, { ...asked, minorUnits: 101 }),
      ask('credit', wallet, { ...asked, reference: 'other' }),
      ask('credit', wallet, { ...asked, reason: 'other' }),
      ask('credit', wallet, { ...asked, currency: 'EUR' }),
      ask('credit', await openedWallet(), asked),
      ask('debit', wallet, asked),
    ]
    for (const other of others) assertProblem(await other, 422, 'IDEMPOTENCY_MISMATCH')
    assert.deepEqual(await balances(wallet), ['100', '0'])
  })

  test('F2: 50 concurrent identical requests make one transfer and one answer', async () => {
    const wallet = await openedWallet()
    const asked = { key: newId(), minorUnits: 7 }
    const replies = await Promise.all(
      Array.from({ length: 50 }, () => ask('credit', wallet, asked)),
    )
    assert.equal(new Set(replies.map((it) => it.text)).size, 1)
    assert.equal(replies.filter((it) => it.headers['idempotency-replayed'] === undefined).length, 1)
    assert.deepEqual(await balances(wallet), ['7', '0'])
  })

  test('F2: keys are separate per client, references are shared by the tenant', async () => {
    const wallet = await openedWallet()
    const other = await world.clientToken('ledger:write', 'another')
    const key = newId()
    await ask('credit', wallet, { key, minorUnits: 1, reference: `${key}-a` })
    const second = await ask('credit', wallet, {
      key,
      minorUnits: 2,
      reference: `${key}-b`,
      token: other,
    })
    assert.equal(second.status, 200)
    const third = await ask('credit', wallet, { minorUnits: 2, reference: `${key}-b` })
    assertProblem(third, 409, 'REFERENCE_ALREADY_USED')
  })

  test('F1: hold, then commit a part and roll back the rest', async () => {
    const wallet = await openedWallet()
    await ask('credit', wallet, { minorUnits: 100 })
    const held = await ask('hold', wallet, { minorUnits: 80 })
    const holdId = String(held.json['hold_id'])
    assert.deepEqual(Object.keys(held.json), ['status', 'entry_id', 'hold_id'])
    assert.deepEqual(await balances(wallet), ['20', '80'])
    assert.equal((await ask('commit', wallet, { holdId, minorUnits: 30 })).status, 200)
    assert.deepEqual(await balances(wallet), ['20', '50'])
    assert.equal((await ask('rollback', wallet, { holdId })).status, 200)
    assert.deepEqual(await balances(wallet), ['70', '0'])
    assertProblem(await ask('commit', wallet, { holdId }), 422, 'HOLD_NOT_OPEN')
    assertProblem(await ask('commit', wallet, { holdId: newId() }), 422, 'HOLD_NOT_OPEN')
  })

  test('refusals name their code', async () => {
    const wallet = await openedWallet()
    assertProblem(await ask('credit', newWallet(), { minorUnits: 1 }), 404, 'ACCOUNT_NOT_FOUND')
    const odd = { ...wallet, accountId: 'acc_42' }
    assertProblem(await ask('credit', odd, { minorUnits: 1 }), 404, 'ACCOUNT_NOT_FOUND')
    const foreign = await ask('credit', wallet, { minorUnits: 1, currency: 'EUR' })
    assertProblem(foreign, 422, 'CURRENCY_MISMATCH')
    await ask('credit', wallet, { minorUnits: 5 })
    await world.db.query(`UPDATE accounts SET status = 'frozen' WHERE account_id = $1`, [
      wallet.accountId,
    ])
    assertProblem(await ask('debit', wallet, { minorUnits: 1 }), 422, 'ACCOUNT_FROZEN')
  })

  test('a key is free again after an error of the request', async () => {
    const key = newId()
    assertProblem(
      await ask('credit', newWallet(), { key, minorUnits: 1 }),
      404,
      'ACCOUNT_NOT_FOUND',
    )
    const wallet = await openedWallet()
    assertProblem(await ask('credit', wallet, { key, minorUnits: 0 }), 400, 'MALFORMED_REQUEST')
    assert.equal((await ask('credit', wallet, { key, minorUnits: 1 })).status, 200)
  })

  test('amounts are exact up to 2^63-1, and nothing larger gets in', async () => {
    for (const currency of ['USD', 'JPY', 'BHD']) {
      const wallet = await openedWallet(currency)
      assert.equal((await ask('credit', wallet, { minorUnits: MAX })).status, 200)
      assert.deepEqual(await balances(wallet), [MAX, '0'])
      const more = await ask('credit', wallet, { minorUnits: 1 })
      assertProblem(more, 422, 'BALANCE_LIMIT_EXCEEDED')
      assert.equal((await ask('debit', wallet, { minorUnits: '9007199254740993' })).status, 200)
      assert.deepEqual(await balances(wallet), ['9214364837600034814', '0'])
    }
    const wallet = await openedWallet()
    for (const minorUnits of ['9223372036854775808', '-1', '0', '1.5', '1e3', '"5"', 'null']) {
      assertProblem(await ask('credit', wallet, { minorUnits }), 400, 'MALFORMED_REQUEST')
    }
    assert.deepEqual(await balances(wallet), ['0', '0'])
  })

  test('no balance exceeds 2^63-1 in either direction, for any overdraft limit', async () => {
    const wallet = await openedWallet()
    const key = newId()
    const limit = { minor_units: 0, currency: 'USD' }
    const limited = await call(world, `/v1/accounts/${wallet.accountId}/overdraft`, {
      token: await world.clientToken('ledger:admin'),
      headers: { 'x-idempotency-key': key },
      body: JSON.stringify({ limit, reason: 'test', reference_id: key }).replace('0', MAX),
    })
    assert.equal(limited.status, 200, limited.text)
    const all = { minorUnits: MAX }
    assert.equal((await ask('hold', wallet, all)).status, 200)
    assert.deepEqual(await balances(wallet), [`-${MAX}`, MAX])
    for (const kind of ['debit', 'hold']) {
      assertProblem(await ask(kind, wallet, { minorUnits: 1 }), 422, 'INSUFFICIENT_FUNDS')
    }
    assert.equal((await ask('credit', wallet, all)).status, 200)
    assert.deepEqual(await balances(wallet), ['0', MAX])
    for (const minorUnits of [MAX, 1]) {
      assertProblem(await ask('hold', wallet, { minorUnits }), 422, 'BALANCE_LIMIT_EXCEEDED')
      assertProblem(await ask('credit', wallet, { minorUnits }), 422, 'BALANCE_LIMIT_EXCEEDED')
    }
    assert.equal((await ask('debit', wallet, all)).status, 200)
    assert.deepEqual(await balances(wallet), [`-${MAX}`, MAX])
    await assert.rejects(
      world.db.query('UPDATE accounts SET held_minor = held_minor + 1 WHERE account_id = $1', [
        wallet.accountId,
      ]),
      /accounts_held_within_limit/,
    )
  })

  test('the error of a request is precise', async () => {
    const wallet = await openedWallet()
    const body = {
      account_id: wallet.accountId,
      amount: { minor_units: 1, currency: 'USD' },
      reason: 'test',
      reference_id: newId(),
    }
    const post = (change: object, headers: Record<string, string> = {}): Promise<Reply> =>
      call(world, '/v1/wallet/credit', {
        token,
        headers: { 'x-idempotency-key': newId(), ...headers },
        body: { ...body, ...change },
      })
    const malformed = [
      { reason: '' },
      { reason: 'nul \u0000' },
      { reference_id: 'x'.repeat(256) },
      { amount: { minor_units: 1, currency: 'XXX' } },
      { amount: { minor_units: 1 } },
      { surprise: true },
    ]
    for (const change of malformed) assertProblem(await post(change), 400, 'MALFORMED_REQUEST')
    const keyless = await call(world, '/v1/wallet/credit', { token, body })
    assertProblem(keyless, 400, 'IDEMPOTENCY_KEY_REQUIRED')
    assert.equal(keyless.json['detail'], 'the header x-idempotency-key is missing')
    const headers = { 'idempotency-key': newId() }
    const misnamed = await call(world, '/v1/wallet/credit', { token, body, headers })
    assertProblem(misnamed, 400, 'IDEMPOTENCY_KEY_REQUIRED')
    assert.match(String(misnamed.json['detail']), /; the key came in idempotency-key$/)
    for (const key of ['with space', 'x'.repeat(256), 'ñ']) {
      const reply = await post({}, { 'x-idempotency-key': Buffer.from(key).toString('latin1') })
      assertProblem(reply, 400, 'INVALID_IDEMPOTENCY_KEY')
    }
  })

  test('only internal clients with the scope ledger:write command the ledger', async () => {
    const wallet = await openedWallet()
    const asked = { minorUnits: 1 }
    const reader = await world.clientToken('ledger:read')
    assertProblem(await ask('credit', wallet, { ...asked, token: reader }), 403, 'FORBIDDEN')
    const user = await world.userToken(wallet.userId)
    assertProblem(await ask('credit', wallet, { ...asked, token: user }), 403, 'FORBIDDEN')
    assertProblem(await ask('credit', wallet, { ...asked, token: 'x' }), 401, 'UNAUTHENTICATED')
  })

  test('a batch gives each command its own result, and a bad command fails alone', async () => {
    const wallet = await openedWallet()
    const item = (change: object) => ({
      command: 'credit',
      idempotency_key: newId(),
      account_id: wallet.accountId,
      amount: { minor_units: 10, currency: 'USD' },
      reason: 'opening_balance',
      reference_id: newId(),
      ...change,
    })
    const key = newId()
    const commands = [
      item({ idempotency_key: key, reference_id: key }),
      item({ command: 'debit', amount: { minor_units: 4, currency: 'USD' } }),
      item({ command: 'debit', amount: { minor_units: 7, currency: 'USD' } }),
      item({ idempotency_key: key, reference_id: key }),
      item({ account_id: newId() }),
      item({ command: 'steal' }),
      item({ idempotency_key: undefined }),
      'nonsense',
    ]
    const reply = await call(world, '/v1/batch', { token, body: { commands } })
    assert.equal(reply.status, 200)
    const results = reply.json['results'] as { status: number; body: Record<string, unknown> }[]
    const summary = results.map(({ status, body }) => body['code'] ?? status)
    assert.deepEqual(summary, [
      200,
      200,
      'INSUFFICIENT_FUNDS',
      200,
      'ACCOUNT_NOT_FOUND',
      'MALFORMED_REQUEST',
      'IDEMPOTENCY_KEY_REQUIRED',
      'MALFORMED_REQUEST',
    ])
    assert.deepEqual(results[3], results[0])
    assert.deepEqual(await balances(wallet), ['6', '0'])
  })

  test('a batch takes up to 1,000 commands', async () => {
    const wallet = await openedWallet()
    const commands = Array.from({ length: 1_001 }, () => ({
      command: 'credit',
      idempotency_key: newId(),
      account_id: wallet.accountId,
      amount: { minor_units: 1, currency: 'USD' },
      reason: 'opening_balance',
      reference_id: newId(),
    }))
    const tooMany = await call(world, '/v1/batch', { token, body: { commands } })
    assertProblem(tooMany, 400, 'MALFORMED_REQUEST')
    const none = await call(world, '/v1/batch', { token, body: { commands: [] } })
    assertProblem(none, 400, 'MALFORMED_REQUEST')
    const reply = await call(world, '/v1/batch', { token, body: { commands: commands.slice(1) } })
    assert.equal(reply.status, 200)
    assert.deepEqual(await balances(wallet), ['1000', '0'])
  })

  test('answers survive a restart, and the books are consistent', async () => {
    const wallet = await openedWallet()
    const asked = { key: newId(), minorUnits: 9 }
    const first = await ask('credit', wallet, asked)
    await world.restart()
    const second = await ask('credit', wallet, asked)
    assert.equal(second.text, first.text)
    assert.deepEqual(await findViolations(world.db), [])
  })

  test('the OpenAPI document names every command and is a document', async () => {
    const { status, json } = await call(world, '/openapi.json')
    assert.equal(status, 200)
    const paths = Object.keys(json['paths'] as object)
    for (const kind of ['credit', 'debit', 'hold', 'commit', 'rollback']) {
      assert.ok(paths.includes(`/v1/wallet/${kind}`))
    }
    assert.ok(!JSON.stringify(json).includes('"bigint"'), 'bigint is no type of JSON Schema')
  })
})

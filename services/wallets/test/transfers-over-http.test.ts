import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { findViolations } from './find-violations.ts'
import { assertProblem, type LedgerClient, ledgerClient, posting } from './ledger-client.ts'
import { openWallets } from './ledger-fixture.ts'
import { newWallet, type TestWallet } from './test-wallet.ts'
import { startWorld, type World } from './world.ts'

const PATH = '/v1/transfers'

describe('transfers over HTTP', () => {
  const scope = suiteScope()
  let world: World
  let ledger: LedgerClient

  before(async () => {
    world = await startWorld(scope)
    ledger = await ledgerClient(world)
  })

  function between(from: TestWallet, to: TestWallet, units: number) {
    return { postings: [posting(from, -units), posting(to, units)] }
  }

  test('F1: any balanced set of postings moves money, and answers with its entries', async () => {
    const [payer, payee] = [await ledger.wallet(100), await ledger.wallet()]
    const postings = [posting(payer, -100), posting(payee, 97), posting(['fees', 'USD'], 3)]
    const reply = await ledger.post(PATH, { postings })
    assert.equal(reply.status, 200, reply.text)
    assert.deepEqual(Object.keys(reply.json), ['status', 'transfer_id', 'entry_id', 'entry_ids'])
    const ids = reply.json['entry_ids'] as string[]
    assert.equal(ids.length, 3)
    assert.equal(ids[0], reply.json['entry_id'])
    assert.deepEqual([await ledger.balances(payer), await ledger.balances(payee)], ['0/0', '97/0'])
  })

  test('one transfer exchanges currencies through suspense, in their own minor units', async () => {
    const yen = await ledger.wallet(1_500, { currency: 'JPY' })
    const dinar = newWallet({ currency: 'BHD', userId: yen.userId })
    const opened = await ledger.post('/v1/accounts', { user_id: yen.userId, currency: 'BHD' })
    assertProblem(opened, 400, 'MALFORMED_REQUEST') // it takes no reason and no reference
    const postings = [
      posting(yen, -1_500),
      posting(['suspense', 'JPY'], 1_500),
      posting(['suspense', 'BHD'], -3_770),
      posting(dinar, 3_770),
    ]
    assertProblem(await ledger.post(PATH, { postings }), 404, 'ACCOUNT_NOT_FOUND')
    const to = await ledger.wallet(0, { currency: 'BHD', userId: yen.userId })
    assert.equal((await ledger.post(PATH, { postings })).status, 200)
    assert.deepEqual([await ledger.balances(yen), await ledger.balances(to)], ['0/0', '3770/0'])
  })

  test('postings that do not sum to zero in each currency are refused, for ever', async () => {
    const [from, to] = [await ledger.wallet(100), await ledger.wallet()]
    const key = newId()
    const body = { postings: [posting(from, -100), posting(to, 99)] }
    const first = await ledger.post(PATH, body, { key })
    assertProblem(first, 422, 'TRANSFER_NOT_BALANCED')
    const again = await ledger.post(PATH, body, { key })
    assert.equal(again.text, first.text)
    assert.equal(again.headers['idempotency-replayed'], 'true')
    const corrected = await ledger.post(PATH, between(from, to, 100), { key })
    assertProblem(corrected, 422, 'IDEMPOTENCY_MISMATCH')
    const mixed = { postings: [posting(from, -5), posting(['fees', 'EUR'], 5)] }
    assertProblem(await ledger.post(PATH, mixed), 422, 'TRANSFER_NOT_BALANCED')
    assert.equal(await ledger.balances(from), '100/0')
  })

  test('refusals name their code and change nothing', async () => {
    const [from, to] = [await ledger.wallet(10), await ledger.wallet(0, { currency: 'EUR' })]
    const euros = { ...posting(to, 5), amount: { minor_units: 5, currency: 'USD' } }
    const refusals: [body: object, status: number, code: string][] = [
      [between(from, await ledger.wallet(), 11), 422, 'INSUFFICIENT_FUNDS'],
      [between(from, newWallet(), 5), 404, 'ACCOUNT_NOT_FOUND'],
      [{ postings: [posting(from, -5), euros] }, 422, 'CURRENCY_MISMATCH'],
      [{ ...between(from, to, 5), corrects: newId() }, 404, 'TRANSFER_NOT_FOUND'],
    ]
    for (const [body, status, code] of refusals) {
      assertProblem(await ledger.post(PATH, body), status, code)
    }
    assert.equal(await ledger.balances(from), '10/0')
  })

  test('several postings on one account are merged, and wrong ones are described', async () => {
    const [from, to] = [await ledger.wallet(10), await ledger.wallet()]
    const folded = [posting(from, -4), posting(to, 7), posting(from, -3)]
    const reply = await ledger.post(PATH, { postings: folded })
    assert.equal((reply.json['entry_ids'] as string[]).length, 2)
    assert.deepEqual([await ledger.balances(from), await ledger.balances(to)], ['3/0', '7/0'])
    const malformed = [
      [posting(from, -4)],
      [posting(from, -4), posting(from, 4)],
      [posting(from, 0), posting(to, 0)],
      [posting(from, -4), { ...posting(to, 4), system_account: 'fees' }],
      [posting(from, -4), { amount: { minor_units: 4, currency: 'USD' } }],
      [posting(from, -4), posting(['treasure', 'USD'], 4)],
      [posting(from, -1.5), posting(to, 1.5)],
      [posting(from, -4), posting(['fees', 'XXX'], 4)],
      Array.from({ length: 101 }, (_, index) => posting(index % 2 === 0 ? from : to, 1)),
    ]
    for (const postings of malformed) {
      assertProblem(await ledger.post(PATH, { postings }), 400, 'MALFORMED_REQUEST')
    }
  })

  test('a correction is a transfer that names the wrong one', async () => {
    const [from, to] = [await ledger.wallet(50), await ledger.wallet()]
    const wrong = await ledger.post(PATH, between(from, to, 30))
    const corrects = String(wrong.json['transfer_id'])
    const right = await ledger.post(PATH, { ...between(to, from, 30), corrects })
    assert.equal(right.status, 200, right.text)
    const { rows } = await world.db.query(
      'SELECT transfer_id FROM transfers WHERE corrects_id = $1',
      [corrects],
    )
    assert.deepEqual(rows, [{ transfer_id: right.json['transfer_id'] }])
    assert.equal(await ledger.balances(from), '50/0')
  })

  test('E4: the value date is the one that is asked for, a day that there is', async () => {
    const [from, to] = [await ledger.wallet(50), await ledger.wallet()]
    const dated = await ledger.post(PATH, { ...between(from, to, 1), value_date: '2024-02-29' })
    const { rows } = await world.db.query<{ day: string }>(
      'SELECT value_date::text AS day FROM transfers WHERE transfer_id = $1',
      [dated.json['transfer_id']],
    )
    assert.deepEqual(rows, [{ day: '2024-02-29' }])
    for (const value_date of ['2023-02-29', '2024-13-01', '1969-12-31', '2200-01-01', 'today']) {
      const reply = await ledger.post(PATH, { ...between(from, to, 1), value_date })
      assertProblem(reply, 400, 'MALFORMED_REQUEST')
    }
  })

  test('F2: a repeat gets the same bytes, also in another trace', async () => {
    const [from, to] = [await ledger.wallet(50), await ledger.wallet()]
    const key = newId()
    const body = { ...between(from, to, 5), value_date: '2024-01-02' }
    const first = await ledger.post(PATH, body, { key, headers: { 'x-trace-id': 'tr_1' } })
    const second = await ledger.post(PATH, body, { key, headers: { 'x-trace-id': 'tr_2' } })
    assert.equal(second.text, first.text)
    assert.equal(second.headers['idempotency-replayed'], 'true')
    const refused = { ...between(to, from, 6) }
    const named = (name: string) => ({ key: `${key}-2`, headers: { 'x-trace-id': name } })
    const refusal = await ledger.post(PATH, refused, named('tr_1'))
    const again = await ledger.post(PATH, refused, named('tr_2'))
    assertProblem(refusal, 422, 'INSUFFICIENT_FUNDS')
    assert.equal(again.text, refusal.text)
    assert.equal(again.headers['x-trace-id'], 'tr_2', 'the repeat has a trace of its own')
    const others = [
      { ...body, value_date: '2024-01-03' },
      { ...body, corrects: String(first.json['transfer_id']) },
      { postings: body.postings.toReversed(), value_date: body.value_date },
    ]
    for (const other of others) {
      assertProblem(await ledger.post(PATH, other, { key }), 422, 'IDEMPOTENCY_MISMATCH')
    }
    assert.equal(await ledger.balances(to), '5/0')
  })

  test('F1: the answer and the events have the X-Trace-Id of the request', async () => {
    const [from, to] = [await ledger.wallet(50), await ledger.wallet()]
    // What tr_a1b2 stands for: the first 16 bytes of its SHA-256.
    const traceId = '961f63d9b61dc7f2a99f0448561c980c'
    const headers = { 'x-trace-id': 'tr_a1b2' }
    const done = await ledger.post(PATH, between(from, to, 5), { headers })
    assert.equal(done.status, 200, done.text)
    const refused = await ledger.post(PATH, between(from, to, 500), { headers })
    assertProblem(refused, 422, 'INSUFFICIENT_FUNDS')
    assert.equal(refused.json['trace_id'], traceId)
    const unread = await ledger.post(PATH, { postings: [] }, { headers })
    assertProblem(unread, 400, 'MALFORMED_REQUEST')
    assert.equal(unread.json['trace_id'], traceId)
    for (const { headers: answered } of [done, refused, unread]) {
      assert.equal(answered['x-trace-id'], 'tr_a1b2')
      assert.match(String(answered['traceparent']), new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`))
    }
    const { rows } = await world.db.query<{ trace: string }>(
      `SELECT substr(headers::jsonb->>'traceparent', 4, 32) AS trace FROM outbox
       WHERE topic = 'wallets.ledger' AND payload LIKE '%' || $1 || '%'`,
      [done.json['transfer_id']],
    )
    assert.deepEqual(rows, [{ trace: traceId }])
  })

  test('an atomic batch applies all commands, and a repeat gets the same bytes', async () => {
    const [from, to] = [await ledger.wallet(50), await ledger.wallet()]
    const named = () => ({ reason: 'test', reference_id: newId() })
    const amount = { minor_units: 40, currency: 'USD' }
    const commands = [
      { command: 'transfer', ...between(from, to, 45), ...named() },
      { command: 'hold', account_id: to.accountId, amount, expires_in_seconds: 60, ...named() },
      { command: 'credit', account_id: from.accountId, amount, ...named() },
    ]
    const post = (key: string, changed: object = {}) =>
      ledger.post('/v1/batch', { commands, atomic: true, ...bare, ...changed }, { key })
    const bare = { reason: undefined, reference_id: undefined }
    const key = newId()
    const first = await post(key)
    assert.equal(first.status, 200, first.text)
    const results = first.json['results'] as { status: number; body: Record<string, unknown> }[]
    assert.deepEqual(
      results.map((it) => it.status),
      [200, 200, 200],
    )
    assert.ok(results[1]?.body['hold_id'])
    const second = await post(key)
    assert.equal(second.text, first.text)
    assert.equal(second.headers['idempotency-replayed'], 'true')
    assertProblem(await post(key, { commands: commands.slice(1) }), 422, 'IDEMPOTENCY_MISMATCH')
    assertProblem(await post(newId()), 422, 'BATCH_NOT_APPLIED') // the references are used
    assert.deepEqual([await ledger.balances(from), await ledger.balances(to)], ['45/0', '5/40'])
  })

  test('one refused command rolls back an atomic batch, and the answer names it', async () => {
    const [from, to] = [await ledger.wallet(50), await ledger.wallet()]
    const reference_id = newId()
    const commands = [
      { command: 'transfer', ...between(from, to, 30), reason: 'x', reference_id },
      { command: 'transfer', ...between(from, to, 30), reason: 'x', reference_id: newId() },
    ]
    const body = { commands, atomic: true, reason: undefined, reference_id: undefined }
    const key = newId()
    const first = await ledger.post('/v1/batch', body, { key })
    assertProblem(first, 422, 'BATCH_NOT_APPLIED')
    assert.deepEqual(first.json['failed'], { index: 1, status: 422, code: 'INSUFFICIENT_FUNDS' })
    const results = first.json['results'] as { body: { code: string } }[]
    const codes = results.map((it) => it.body.code)
    assert.deepEqual(codes, ['BATCH_NOT_APPLIED', 'INSUFFICIENT_FUNDS'])
    assert.equal(await ledger.balances(from), '50/0')
    assert.equal((await ledger.post('/v1/batch', body, { key })).text, first.text)
    // Its reference is not used up either.
    const alone = await ledger.post(PATH, { ...between(from, to, 30), reference_id })
    assert.equal(alone.status, 200)
  })

  test('F2: a refused atomic batch stays refused, even if it would succeed now', async () => {
    const user = newWallet()
    const commands = [
      {
        command: 'credit',
        account_id: user.accountId,
        amount: { minor_units: 1, currency: 'USD' },
        reason: 'x',
        reference_id: newId(),
      },
    ]
    const body = { commands, atomic: true, reason: undefined, reference_id: undefined }
    const key = newId()
    const first = await ledger.post('/v1/batch', body, { key })
    assertProblem(first, 422, 'BATCH_NOT_APPLIED')
    assert.deepEqual(first.json['failed'], { index: 0, status: 404, code: 'ACCOUNT_NOT_FOUND' })
    await openWallets(world.db, [user])
    const late = await ledger.post('/v1/batch', body, { key })
    assert.equal(late.text, first.text)
    assert.equal(late.headers['idempotency-replayed'], 'true')
    assert.equal(await ledger.balances(user), '0/0')
    assert.equal((await ledger.post('/v1/batch', body)).status, 200)
    assert.equal(await ledger.balances(user), '1/0')
  })

  test('an atomic batch needs an idempotency key, and its commands have none', async () => {
    const to = await ledger.wallet()
    const command = {
      command: 'credit',
      account_id: to.accountId,
      amount: { minor_units: 1, currency: 'USD' },
      reason: 'x',
      reference_id: newId(),
    }
    const body = { atomic: true, reason: undefined, reference_id: undefined }
    const keyed = { ...body, commands: [command, { ...command, idempotency_key: 'k' }] }
    const reply = await ledger.post('/v1/batch', keyed)
    assertProblem(reply, 400, 'MALFORMED_REQUEST')
    assert.equal(reply.json['param'], 'commands.1.idempotency_key')
    const keyless = await ledger.post('/v1/batch', { ...body, commands: [command] }, { key: '' })
    assertProblem(keyless, 400, 'IDEMPOTENCY_KEY_REQUIRED')
    assert.equal(await ledger.balances(to), '0/0')
  })

  test('F2: the reference prevents a second effect after the key was deleted', async () => {
    const [from, to] = [await ledger.wallet(50), await ledger.wallet()]
    const key = newId()
    assert.equal((await ledger.post(PATH, between(from, to, 5), { key })).status, 200)
    await world.asAdmin('DELETE FROM idempotency_keys WHERE idempotency_key = $1', [key])
    const late = await ledger.post(PATH, between(from, to, 5), { key })
    assertProblem(late, 409, 'REFERENCE_ALREADY_USED')
    assert.equal(await ledger.balances(to), '5/0')
  })

  test('the books are consistent after these tests', async () => {
    assert.deepEqual(await findViolations(world.db), [])
  })
})

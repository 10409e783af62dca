import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import { changedCursors } from '@caudal/testing/changed-cursors.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import type { Payment } from '../src/domain/payment.ts'
import { contradicted, openLedger, returnOf } from './fact-stories.ts'
import { findOne, runBatch } from './spine.ts'
import { eventsOf } from './stories.ts'
import { call, createWorld, pay, type World } from './world.ts'

type Page = { data: Record<string, unknown>[]; next_cursor: string | null }

const scope = suiteScope()
let world: World
let service: RunningService
let staff = ''

before(async () => {
  world = await createWorld(scope)
  service = await world.start()
  staff = await world.peers.serviceToken('cases:read')
})

/** A COMPLETED payment of the user to this account. */
async function paid(userId: string, account: string): Promise<Payment> {
  const order = world.peers.addOrder(userId, { service_account_number: account })
  const token = await world.peers.userToken(userId)
  const { status, json } = await pay(service, token, order.external_order_id)
  assert.equal(status, 202)
  const { pool } = world.db
  await runBatch(pool, [eventsOf(await findOne(pool, String(json['payment_id']))).completed()])
  return findOne(pool, String(json['payment_id']))
}

/** All items of a list, read by small pages. */
async function all(path: string, token = staff): Promise<Record<string, unknown>[]> {
  const items: Record<string, unknown>[] = []
  for (let cursor = ''; ;) {
    const url = `${service.url}${path}${path.includes('?') ? '&' : '?'}limit=2${cursor}`
    const { status, json, text } = await call(url, { token })
    assert.equal(status, 200, text)
    const page = json as unknown as Page
    items.push(...page.data)
    if (page.next_cursor === null) return items
    cursor = `&cursor=${page.next_cursor}`
  }
}

const idsIn = (items: Record<string, unknown>[], name: string) => items.map((it) => it[name])

describe('returns and cases over HTTP', () => {
  test('a reader of a payment lists its returns, newest first, and staff those of the tenant', async () => {
    const user = newId()
    const payment = await paid(user, '1001')
    const { pool } = world.db
    const ledger = openLedger(pool, () => [payment.accountId])
    const facts = [5_000n, 2_000n, 9_000n].map((minor) => returnOf(payment, minor))
    for (const fact of facts) await runBatch(pool, [fact])
    await ledger.settle()
    const newestFirst = facts.map((fact) => fact.return_id).toReversed()
    const path = `/v1/payments/${payment.paymentId}/returns`
    const token = await world.peers.userToken(user)
    const own = await all(path, token)
    assert.deepEqual(idsIn(own, 'return_id'), newestFirst)
    const { created_at: _, updated_at: __, ...last } = own[2]!
    assert.deepEqual(last, {
      return_id: facts[0]!.return_id,
      payment_id: payment.paymentId,
      status: 'CREDITED',
      amount: '50.00',
      currency: 'USD',
      reason: 'AC04',
      reason_code: 'account_closed',
      version: 3,
    })
    const client = await world.peers.serviceToken('payments:read')
    assert.deepEqual(await all(path, client), own)
    for (const stranger of [
      await world.peers.userToken(newId()),
      await world.peers.serviceToken('payments:read', { tenant_id: 'acme' }),
    ]) {
      assert.equal((await call(`${service.url}${path}`, { token: stranger })).status, 404)
    }
    assert.deepEqual(idsIn(await all('/v1/returns'), 'return_id'), newestFirst)
    assert.deepEqual(idsIn(await all('/v1/returns?status=SUSPENDED'), 'return_id'), [
      facts[2]!.return_id,
    ])
    const steps = await call(`${service.url}/internal/payments/${payment.paymentId}/steps`, {
      token: await world.peers.serviceToken('trace:read'),
    })
    const names = (steps.json['steps'] as { step: string }[]).map(({ step }) => step)
    assert.deepEqual(names.toSorted(), [
      'payment.completed',
      'payment.requested',
      ...Array.from({ length: 2 }, () => 'return.credited'),
      ...Array.from({ length: 3 }, () => 'return.received'),
      'return.suspended',
    ])
  })

  test('staff lists the cases of the tenant by status and reason, newest first', async () => {
    const payment = await paid(newId(), '1002')
    const { pool } = world.db
    const reasons = ['failure_after_success', 'amount_mismatch', 'operation_unknown'] as const
    for (const reason of reasons) await runBatch(pool, [contradicted(payment, reason)])
    const ofPayment = (await all('/v1/cases')).filter(
      (one) => one['payment_id'] === payment.paymentId,
    )
    assert.deepEqual(idsIn(ofPayment, 'reason'), reasons.toReversed())
    const [found, ...more] = await all('/v1/cases?status=OPEN&reason=amount_mismatch')
    const { case_id: _, opened_at: __, ...rest } = found!
    assert.deepEqual(more, [])
    assert.deepEqual(rest, {
      reason: 'amount_mismatch',
      subject: { type: 'payment', id: payment.paymentId },
      payment_id: payment.paymentId,
      user_id: payment.userId,
      amount: '100.00',
      currency: 'USD',
      detail: 'The PSP reported a failure after the success.',
      status: 'OPEN',
      version: 1,
    })
    assert.deepEqual(await all('/v1/cases?status=RESOLVED'), [])
  })

  test('only a client with cases:read lists them, and only of its tenant', async () => {
    const elsewhere = await world.peers.serviceToken('cases:read', { tenant_id: 'acme' })
    for (const path of ['/v1/cases', '/v1/returns']) {
      assert.deepEqual(await all(path, elsewhere), [])
      for (const refused of [
        await world.peers.userToken(newId(), { scope: 'cases:read' }),
        await world.peers.serviceToken('payments:read'),
      ]) {
        assert.equal((await call(`${service.url}${path}`, { token: refused })).status, 403)
      }
      const first = await call(`${service.url}${path}?limit=1`, { token: staff })
      const cursor = String(first.json['next_cursor'])
      for (const query of [
        'status=LOST',
        `status=OPEN&cursor=${cursor}`,
        ...[...changedCursors(cursor)].map((changed) => `cursor=${changed}`),
      ]) {
        assert.equal((await call(`${service.url}${path}?${query}`, { token: staff })).status, 400)
      }
    }
  })

  test('E1: after a return for a closed or invalid account no payment to it is accepted', async () => {
    for (const [reason, account] of [
      ['AC01', '2001'],
      ['AC04', '2002'],
    ] as const) {
      const payment = await paid(newId(), account)
      await runBatch(world.db.pool, [returnOf(payment, 10_000n, { reason })])
      const user = newId()
      const token = await world.peers.userToken(user)
      const key = newId()
      const order = world.peers.addOrder(user, { service_account_number: account })
      const refused = await pay(service, token, order.external_order_id, { key })
      assert.deepEqual([refused.status, refused.json['code']], [422, 'DESTINATION_BLOCKED'])
      const replay = await pay(service, token, order.external_order_id, { key })
      assert.equal(replay.text, refused.text)
      assert.equal(replay.headers['idempotency-replayed'], 'true')
      const other = world.peers.addOrder(user, {
        service_account_number: account,
        service_bank_code: 'BNK2',
      })
      assert.equal((await pay(service, token, other.external_order_id)).status, 202)
      const acme = newId()
      const same = world.peers.addOrder(acme, {
        service_account_number: account,
        tenant_id: 'acme',
      })
      const elsewhere = await world.peers.userToken(acme, { tenant_id: 'acme' })
      assert.equal((await pay(service, elsewhere, same.external_order_id)).status, 202)
    }
  })

  test('a return for another reason, or of no payment, blocks nothing', async () => {
    const payment = await paid(newId(), '2003')
    await runBatch(world.db.pool, [
      returnOf(payment, 1_000n, { reason: 'AC06' }),
      returnOf(payment, 1_000n, { reason: 'FOCR' }),
      returnOf(undefined, 1_000n, { reason: 'AC04' }),
    ])
    await paid(newId(), '2003')
  })

  test('a metric has the number of open cases by reason', async () => {
    const { text } = await call(`${service.url}/metrics`, { token: '' })
    assert.match(text, /cases_open\{reason="amount_mismatch".*\} 1/)
    assert.match(text, /cases_open\{reason="receivable".*\} 0/)
  })
})

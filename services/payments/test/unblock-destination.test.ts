import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import type { Payment } from '../src/domain/payment.ts'
import { returnOf } from './fact-stories.ts'
import { findOne, runBatch } from './spine.ts'
import { eventsOf } from './stories.ts'
import { call, createWorld, pay, type Reply, type World } from './world.ts'

const scope = suiteScope()
let world: World
let service: RunningService

before(async () => {
  world = await createWorld(scope)
  service = await world.start()
})

const JSON_POST = { method: 'POST', headers: { 'content-type': 'application/json' } } as const

/** Asks to pay an order to the account. */
async function payTo(account: string): Promise<Reply> {
  const userId = newId()
  const order = world.peers.addOrder(userId, { service_account_number: account })
  return pay(service, await world.peers.userToken(userId), order.external_order_id)
}

/** A COMPLETED payment to the account. */
async function paidTo(account: string): Promise<Payment> {
  const { status, json } = await payTo(account)
  assert.equal(status, 202)
  const { pool } = world.db
  await runBatch(pool, [eventsOf(await findOne(pool, String(json['payment_id']))).completed()])
  return findOne(pool, String(json['payment_id']))
}

/** A part of it came back, since the account is closed. */
const closed = (payment: Payment) => returnOf(payment, 100n, { reason: 'AC04' })

async function unblock(account: string, over: Record<string, unknown> = {}, tenant = 'caudal') {
  const token = await world.peers.serviceToken('cases:write', { tenant_id: tenant })
  const body = JSON.stringify({
    service_bank_code: 'BNK1',
    service_account_number: account,
    reason: 'the bank confirmed the account',
    ...over,
  })
  return call(`${service.url}/v1/blocked-destinations/unblock`, { ...JSON_POST, token, body })
}

test('an operator unblocks a destination, by whom and why is kept, and a later return blocks it again', async () => {
  const { pool } = world.db
  const [first, second] = [await paidTo('2001'), await paidTo('2001')]
  const returned = [closed(first), closed(first)]
  await runBatch(pool, returned)
  assert.equal((await payTo('2001')).json['code'], 'DESTINATION_BLOCKED')

  const done = await unblock('2001')
  assert.equal(done.status, 200, done.text)
  const again = await unblock('2001', { reason: 'once more' })
  assert.deepEqual([again.status, again.json], [200, done.json])
  assert.equal((await payTo('2001')).status, 202)
  // What was known before is no news.
  await runBatch(pool, returned)
  assert.equal((await payTo('2001')).status, 202)

  await runBatch(pool, [closed(second)])
  assert.equal((await payTo('2001')).json['code'], 'DESTINATION_BLOCKED')
  assert.equal((await unblock('2001', { reason: 'a new confirmation' })).status, 200)
  const { rows } = await pool.query(
    `SELECT tenant_id, service_bank_code, reason, actor_type, actor_id,
       return_id = ANY($1::uuid[]) AS is_of_first
     FROM destination_unblocks WHERE service_account_number = '2001' ORDER BY unblock_id`,
    [returned.map(({ return_id: id }) => id)],
  )
  const common = { tenant_id: 'caudal', service_bank_code: 'BNK1' }
  const actor = { actor_type: 'client', actor_id: 'desk' }
  assert.deepEqual(rows, [
    { ...common, reason: 'the bank confirmed the account', ...actor, is_of_first: true },
    { ...common, reason: 'a new confirmation', ...actor, is_of_first: false },
  ])
})

test('only staff of the tenant with the scope unblocks, and only what was blocked', async () => {
  await runBatch(world.db.pool, [closed(await paidTo('2002'))])
  const path = `${service.url}/v1/blocked-destinations/unblock`
  const named = { service_bank_code: 'BNK1', service_account_number: '2002' }
  const body = JSON.stringify({ ...named, reason: 'a test' })
  const reader = await world.peers.serviceToken('cases:read')
  const user = await world.peers.userToken(newId(), { scope: 'cases:write' })
  for (const token of [reader, user]) {
    assert.equal((await call(path, { ...JSON_POST, token, body })).status, 403)
  }
  for (const refused of [
    await unblock('2002', {}, 'other'),
    await unblock('2002', { service_bank_code: 'BNK2' }),
    await unblock('2003'),
  ]) {
    assert.deepEqual([refused.status, refused.json['code']], [404, 'DESTINATION_NOT_FOUND'])
  }
  for (const over of [{ reason: '' }, { reason: undefined }, { service_bank_code: '' }]) {
    assert.equal((await unblock('2002', over)).status, 400, JSON.stringify(over))
  }
  assert.equal((await payTo('2002')).json['code'], 'DESTINATION_BLOCKED')
})

test('what was unblocked, why and by whom cannot be changed by the service', async () => {
  for (const statement of [
    `UPDATE destination_unblocks SET reason = 'another'`,
    'DELETE FROM destination_unblocks',
  ]) {
    await assert.rejects(world.db.pool.query(statement), { code: '42501' }, statement)
  }
})

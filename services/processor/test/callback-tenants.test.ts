import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { about, callbackWorld, OTHER_SECRET } from './callback-world.ts'
import { fileScope, fundsReserved } from './world.ts'

const it = await callbackWorld(fileScope(after), {
  CAUDAL_PSP_FIRST_QUERY: '60s',
  CAUDAL_PSP_QUERY_MAX: '60s',
})
const OF_SHOP = { account: 'shop', secret: OTHER_SECRET }

/** A payment in doubt, which only a callback ends in time. */
async function doubtful(tenant: string) {
  await it.deliver(null)
  await it.behave({ by_account: { lost: 'apply_then_reset' } })
  const payment = fundsReserved('lost', { tenant_id: tenant })
  await it.reserve([payment])
  await eventually(async () => (await it.resultsOf(payment.payment_id)).length === 1)
  return payment
}

test('an account of a PSP ends no payment of a tenant for which it does not speak', async () => {
  const payment = await doubtful('caudal')
  for (const verb of ['approved', 'failed', 'reversed', 'returned']) {
    const claim = about(payment, verb, { event_id: `${verb}-of-${payment.payment_id}` })
    assert.equal((await it.post(claim, OF_SHOP)).status, 202)
    const [fact] = await it.settled(claim['event_id'] as string)
    assert.deepEqual([fact?.state, fact?.cause], ['PARKED', 'other_tenant'], verb)
    assert.equal(fact?.payment_id, null)
  }
  assert.deepEqual(
    (await it.resultsOf(payment.payment_id)).map(({ event_type: type }) => type),
    ['payment.in_doubt'],
  )
  assert.deepEqual(await it.facts(payment.payment_id), [])
  // Nor does it take the transaction id, so that the right account still completes the payment.
  assert.equal((await it.post(about(payment, 'approved'))).status, 202)
  const completed = await it.final(payment.payment_id)
  assert.equal(completed.event_type, 'payment.completed')
  // A repeat of the approval tells it no more.
  const { gateway_transaction_id: id } = completed.gateway_response
  const repeat = about(payment, 'approved', { event_id: newId(), gateway_transaction_id: id })
  assert.equal((await it.post(repeat, OF_SHOP)).status, 202)
  const [repeated] = await it.settled(String(repeat['event_id']))
  assert.deepEqual([repeated?.cause, repeated?.payment_id], ['other_tenant', null])
})

test('an account of a PSP ends the payments of its tenant', async () => {
  const payment = await doubtful('shops')
  assert.equal((await it.post(about(payment, 'approved'), OF_SHOP)).status, 202)
  assert.equal((await it.final(payment.payment_id)).event_type, 'payment.completed')
})

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { disputeOf } from './dispute-stories.ts'
import { capture, runBatch } from './spine.ts'
import { call, createWorld, refund, type World } from './world.ts'

const scope = suiteScope()
let world: World
let service: RunningService
let token: string

before(async () => {
  world = await createWorld(scope)
  service = await world.start()
  token = await world.peers.serviceToken('refunds:write payments:read')
})

test('a refund of a disputed payment is refused with 409, and its steps show the dispute', async () => {
  const payment = await capture(world.db.pool)
  const { disputeId, opened, closed } = disputeOf(payment, 1_000n)
  await runBatch(world.db.pool, [opened()])
  const key = newId()
  const first = await refund(service, token, payment.paymentId, { amount: '1.00' }, key)
  assert.deepEqual([first.status, first.json['code']], [409, 'PAYMENT_DISPUTED'])
  const url = `${service.url}/internal/payments/${payment.paymentId}/steps`
  await runBatch(world.db.pool, [closed('won')])
  const { json } = await call(url, { token: await world.peers.serviceToken('trace:read') })
  const ofDispute = (json['steps'] as { step: string; detail: string }[]).filter(({ step }) =>
    step.startsWith('dispute.'),
  )
  assert.deepEqual(
    ofDispute.map(({ step, detail }) => [step, detail]),
    [
      ['dispute.opened', `10.00 USD at main: 10.4, dispute ${disputeId}`],
      ['dispute.closed', `won, dispute ${disputeId}`],
    ],
  )
  const repeat = await refund(service, token, payment.paymentId, { amount: '1.00' }, key)
  assert.deepEqual([repeat.status, repeat.text], [409, first.text])
  assert.equal((await refund(service, token, payment.paymentId, { amount: '1.00' })).status, 202)
})

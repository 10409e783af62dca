import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { fileScope, fundsReserved, world } from './world.ts'

const it = await world(fileScope(after))

async function pspOf(paymentId: string): Promise<string | null | undefined> {
  const { rows } = await it.db.query<{ psp: string | null }>(
    'SELECT psp FROM payments WHERE payment_id = $1',
    [paymentId],
  )
  return rows[0]?.psp
}

async function completionOf(paymentId: string): Promise<string | undefined> {
  const result = await it.final(paymentId)
  assert(result.event_type === 'payment.completed')
  return result.psp
}

test('a completed payment names the PSP, which is kept with it', async (t) => {
  await it.behave({ by_account: { again: 'error_500_once', lost: 'apply_then_hang' } })
  const service = await it.start({ CAUDAL_PSP_NAME: 'other' })
  t.after(() => service.stop())
  for (const account of ['1234567890', 'again', 'lost']) {
    const event = fundsReserved(account)
    await it.reserve([event])
    assert.equal(await completionOf(event.payment_id), 'other', account)
    assert.equal(await pspOf(event.payment_id), 'other', account)
  }
})

test('a payment that waits names its PSP before its first attempt', async (t) => {
  await it.behave({})
  const setState = `INSERT INTO psp_states (psp, state, reason) VALUES ('main', $1, 'a test')
    ON CONFLICT (psp) DO UPDATE SET state = excluded.state`
  await it.db.query(setState, ['draining'])
  const service = await it.start()
  t.after(() => service.stop())
  const event = fundsReserved()
  await it.reserve([event])
  assert.equal(await eventually(() => pspOf(event.payment_id)), 'main')
  assert.equal(await it.requests(event.payment_id), 0)
  await it.db.query(setState, ['enabled'])
  assert.equal(await completionOf(event.payment_id), 'main')
})

test('a payment that release 0.1.0 has sent is one of the default PSP', async (t) => {
  await it.behave({ default: 'apply_then_hang' })
  const first = await it.start()
  const event = fundsReserved()
  await it.reserve([event])
  await eventually(async () => assert.equal(await pspOf(event.payment_id), 'main') ?? true, {
    label: 'the payment is sent',
  })
  await first.stop()
  await it.db.query('UPDATE payments SET psp = NULL WHERE payment_id = $1', [event.payment_id])
  const second = await it.start()
  t.after(() => second.stop())
  assert.equal(await completionOf(event.payment_id), 'main')
})

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { eventually } from '@caudal/testing/eventually.ts'
import { call } from './call.ts'
import { fileScope, fundsReserved, world } from './world.ts'

const it = await world(fileScope(after), {
  CAUDAL_PSP_CIRCUIT_MIN_RATE: '2',
  CAUDAL_PSP_CIRCUIT_PAUSE: '1s',
  CAUDAL_PSP_RETRY_BASE: '1ms',
  // No query of the payment in doubt may disturb the circuit.
  CAUDAL_PSP_FIRST_QUERY: '4s',
  CAUDAL_PSP_QUERY_MAX: '4s',
})

const some = (count: number, account?: string) =>
  Array.from({ length: count }, () => fundsReserved(account))

test('P5: an open circuit fails unsent payments at once, keeps those in doubt, and closes again', async () => {
  await it.behave({ default: 'error_500', by_account: { stuck: 'hang' } })
  const service = await it.start()
  const doubtful = fundsReserved('stuck')
  await it.reserve([doubtful])
  await eventually(async () => (await it.resultsOf(doubtful.payment_id)).length === 1)
  const opening = some(30)
  await it.reserve(opening)
  // The first pause may already have passed.
  await eventually(async () => (await circuitOf(service.url)) !== 'closed')
  const refused = some(50)
  await it.reserve(refused)
  const words = await it.finals([...opening, ...refused])

  const failed = refused.map((event) => words.get(event.payment_id)?.event_type)
  // One of them may have been the trial request after the pause.
  const atOnce = failed.filter((type) => type === 'payment.failed.circuit_open').length
  assert.ok(atOnce >= 40, `${atOnce} failed by the circuit`)
  for (const event of refused) {
    if (words.get(event.payment_id)?.event_type !== 'payment.failed.circuit_open') continue
    assert.equal(await it.requests(event.payment_id), 0)
  }
  const emitted = (await it.resultsOf(doubtful.payment_id)).map((one) => one.event_type)
  assert.deepEqual(emitted, ['payment.in_doubt'])

  await it.behave({})
  await eventually(async () => (await circuitOf(service.url)) !== 'open')
  // After the pause one request is the trial, and the others wait for it instead of failing.
  const after = some(300)
  await it.reserve(after)
  const healed = await it.finals([...after, doubtful])
  for (const event of [...after, doubtful]) {
    assert.equal(healed.get(event.payment_id)?.event_type, 'payment.completed')
    assert.equal(await it.charges(event.payment_id), 1)
  }
  assert.equal(await circuitOf(service.url), 'closed')
  await service.stop()
})

async function circuitOf(url: string): Promise<string | undefined> {
  const { text } = await call(`${url}/metrics`)
  return /psp_circuit_state\{[^}]*state="(\w+)"[^}]*\} 1$/m.exec(text)?.[1]
}

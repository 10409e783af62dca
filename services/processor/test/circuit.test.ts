import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { call } from './call.ts'
import { fileScope, fundsReserved, world } from './world.ts'

const it = await world(fileScope(after), {
  CAUDAL_PSP_CIRCUIT_MIN_RATE: '2',
  CAUDAL_PSP_CIRCUIT_PAUSE: '1s',
  CAUDAL_PSP_CIRCUIT_WAIT: '3s',
  CAUDAL_PSP_RETRY_BASE: '1ms',
  // No query of the payment in doubt may disturb the circuit.
  CAUDAL_PSP_FIRST_QUERY: '4s',
  CAUDAL_PSP_QUERY_MAX: '4s',
})

const some = (count: number, account?: string) =>
  Array.from({ length: count }, () => fundsReserved(account))

test('P5: an open circuit fails unsent payments at their deadline, not those in doubt, and closes again', async () => {
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
  // Some of them may have been trial requests, one after each pause.
  const atDeadline = failed.filter((type) => type === 'payment.failed.circuit_open').length
  assert.ok(atDeadline >= 40, `${atDeadline} failed by the circuit`)
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
  // An answer that came late may have opened it once more: the next payment is the trial then.
  await eventually(async () => {
    const trial = some(1)
    await it.reserve(trial)
    await it.finals(trial)
    return (await circuitOf(service.url)) === 'closed'
  })
  await service.stop()
})

test('P5: payments that wait for an open circuit complete when the PSP works again', async () => {
  await it.behave({ default: 'error_500' })
  // No payment fails by its deadline while the test runs.
  const service = await it.start({ CAUDAL_PSP_CIRCUIT_WAIT: '60s' })
  await it.reserve(some(30))
  await eventually(async () => (await circuitOf(service.url)) !== 'closed')
  const waiting = some(200)
  await it.reserve(waiting)
  await eventually(async () => (await recorded(waiting)) === waiting.length)
  assert.deepEqual(await resultsAmong(waiting), [])
  await it.behave({})
  const ends = await it.finals(waiting)
  for (const event of waiting) {
    assert.equal(ends.get(event.payment_id)?.event_type, 'payment.completed')
    assert.equal(await it.charges(event.payment_id), 1)
  }
  await service.stop()
})

async function recorded(events: readonly FundsReserved[]): Promise<number> {
  const { rows } = await it.db.query(
    'SELECT count(*)::int AS count FROM payments WHERE payment_id = ANY($1)',
    [events.map((event) => event.payment_id)],
  )
  return rows[0].count
}

async function resultsAmong(events: readonly FundsReserved[]): Promise<string[]> {
  const ids = new Set(events.map((event) => event.payment_id))
  return (await it.results()).filter((one) => ids.has(one.payment_id)).map((one) => one.event_type)
}

async function circuitOf(url: string): Promise<string | undefined> {
  const { text } = await call(`${url}/metrics`)
  return /psp_circuit_state\{[^}]*state="(\w+)"[^}]*\} 1$/m.exec(text)?.[1]
}

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, test, type TestContext } from 'node:test'
import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { fileScope, fundsReserved, world } from './world.ts'

// Most requests in these tests fail on purpose.
const it = await world(fileScope(after), { CAUDAL_PSP_CIRCUIT_FAILURE_PERCENT: '99' })

/** Once the PSP works, every payment has one final event that matches the moved money. */
async function assertBooksAgree(events: readonly FundsReserved[]): Promise<void> {
  await eventually(async () => {
    const { rows } = await it.db.query(
      `SELECT count(*) FILTER (WHERE status <> 'PENDING')::int AS moved FROM payments
       WHERE payment_id = ANY($1)`,
      [events.map((event) => event.payment_id)],
    )
    return rows[0].moved === new Set(events.map((event) => event.payment_id)).size
  })
  // A payment in doubt could never end with a PSP that only answers 500.
  await it.behave({})
  const finals = await it.finals(events, 60_000)
  // A relay that is killed publishes what it published last once more: the same event twice.
  const published = new Map((await it.results()).map((event) => [event.event_id, event]))
  const emitted = new Map<string, string[]>()
  for (const { payment_id: id, event_type: type } of published.values()) {
    emitted.set(id, [...(emitted.get(id) ?? []), type])
  }
  for (const { payment_id: paymentId } of events) {
    const completed = finals.get(paymentId)?.event_type === 'payment.completed'
    assert.equal(await it.charges(paymentId), completed ? 1 : 0, paymentId)
    const types = emitted.get(paymentId) ?? []
    assert.equal(types.filter((type) => type === 'payment.in_doubt').length <= 1, true)
    assert.equal(types.filter((type) => type !== 'payment.in_doubt').length, 1, types.join())
  }
}

const MIXED = {
  pay: 'approve',
  no: 'decline',
  slow: 'slow:300',
  lost: 'apply_then_hang',
  cut: 'apply_then_reset',
  bad: 'error_500',
  twice: 'error_500_twice',
}
const mixed = (count: number): FundsReserved[] =>
  Array.from({ length: count }, (_, index) => {
    const accounts = Object.keys(MIXED)
    return fundsReserved(accounts[index % accounts.length])
  })

test('rule 9: a processor that stopped without waiting learns the outcomes after its restart', async () => {
  await it.behave({ by_account: MIXED })
  const first = await it.start()
  const events = mixed(70)
  await it.reserve(events)
  await eventually(async () => {
    const { rows } = await it.db.query(
      `SELECT (SELECT count(*) FROM payments)::int AS count,
         EXISTS (SELECT FROM attempts WHERE status = 'SENDING') AS sending`,
    )
    return rows[0].count >= 35 && rows[0].sending
  })
  await first.stop()
  const { rows } = await it.db.query(`SELECT FROM attempts WHERE status = 'SENDING'`)
  assert.ok(rows.length > 0, 'some payments were in flight')
  const second = await it.start()
  await assertBooksAgree(events)
  await second.stop()
})

test('rule 9: a SENDING attempt that did not reach the PSP is sent again, not failed', async () => {
  await it.behave({ default: 'hang' })
  // It stops long before that.
  const first = await it.start({ CAUDAL_PSP_TIMEOUT: '4s' })
  const event = fundsReserved()
  await it.reserve([event])
  await eventually(async () => (await it.requests(event.payment_id)) > 0)
  await first.stop()
  await it.behave({})
  const second = await it.start()
  const result = await it.final(event.payment_id)
  assert.equal(result.event_type, 'payment.completed')
  const { rows } = await it.db.query(
    'SELECT number, status, error_class FROM attempts WHERE payment_id = $1 ORDER BY number',
    [event.payment_id],
  )
  assert.deepEqual(rows, [
    { number: 1, status: 'UNKNOWN', error_class: 'holder_lost' },
    { number: 2, status: 'APPROVED', error_class: null },
  ])
  await second.stop()
})

test('two instances on one database share the work and charge no payment twice', async () => {
  await it.behave({ by_account: MIXED })
  const instances = [await it.start(), await it.start()]
  const events = mixed(140)
  await it.reserve(events)
  await assertBooksAgree(events)
  await Promise.all(instances.map((instance) => instance.stop()))
})

test('F4: a second event of a payment changes nothing', async () => {
  await it.behave({ by_account: MIXED })
  const service = await it.start()
  const events = mixed(14)
  await it.reserve([...events, ...events])
  await it.reserve(events.map((event) => ({ ...event, event_id: fundsReserved().event_id })))
  await assertBooksAgree(events)
  await it.reserve(events)
  const last = fundsReserved('pay')
  await it.reserve([last])
  await assertBooksAgree([...events, last])
  for (const event of events.filter((one) => accountOf(one) === 'pay')) {
    assert.equal(await it.requests(event.payment_id), 1)
  }
  await service.stop()
})

const accountOf = (event: FundsReserved): string => event.payment_data.service_account_number

test('P9: after kill -9 under load every payment ends with the outcome of its money', async (t) => {
  await it.behave({ by_account: MIXED })
  const events = mixed(140)
  let reserved = 0
  for (let round = 0; round < 3; round += 1) {
    const child = await startChild(t)
    await it.reserve(events.slice(reserved, (reserved += 46)))
    await eventually(async () => {
      const { rows } = await it.db.query(`SELECT FROM attempts WHERE status = 'SENDING'`)
      return rows.length > 5
    })
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await it.reserve(events.slice(reserved))
  const service = await it.start()
  await assertBooksAgree(events)
  await service.stop()
})

async function startChild(t: TestContext): Promise<ChildProcess> {
  const script = new URL('run-processor.ts', import.meta.url).pathname
  const env = { ...process.env, ...it.env, NODE_OPTIONS: '' }
  const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}

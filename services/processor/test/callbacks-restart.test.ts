import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { TOPICS } from '@caudal/contracts/topics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { startKillable } from '@caudal/testing/start-killable.ts'
import { testPort } from '@caudal/testing/test-port.ts'
import { call } from './call.ts'
import type { PspFact } from './callback-world.ts'
import { fileScope, fundsReserved, readResults, world } from './world.ts'

const SECRET = 'secret-of-the-callbacks'
const BEHAVIOURS = {
  plain: 'approve',
  twice: 'callback_twice',
  late: 'callback_late:200',
  before: 'callback_before_answer',
  lies: 'callback_wrong_amount',
  back: 'reverse_after_success',
  lost: 'apply_then_reset',
  slow: 'slow:300',
  no: 'decline',
}
const ROUNDS = 3
const PER_ROUND = 45
const scope = fileScope(after)
const port = String(await testPort())
const it = await world(scope, {
  CAUDAL_PROCESSOR_PORT: port,
  CAUDAL_PSP_CALLBACK_SECRETS: SECRET,
  CAUDAL_PSP_CIRCUIT_FAILURE_PERCENT: '99',
})

test('P15: after kill -9 among callbacks each of them is stored once and applied once', async () => {
  const url = `http://127.0.0.1:${port}/callbacks/main/main`
  const body = { url, secret: SECRET }
  assert.equal((await call(`${it.pspUrl}/admin/callbacks`, { method: 'PUT', body })).status, 200)
  await it.behave({ by_account: BEHAVIOURS })
  const accounts = Object.keys(BEHAVIOURS)
  const events = Array.from({ length: ROUNDS * PER_ROUND }, (_, index) =>
    fundsReserved(accounts[index % accounts.length]),
  )
  for (let round = 0; round < ROUNDS; round += 1) {
    const processor = await startKillable(scope, new URL('../src/', import.meta.url), it.env)
    const stored = await countFacts()
    await it.reserve(events.slice(round * PER_ROUND, (round + 1) * PER_ROUND))
    await eventually(async () => (await countFacts()) > stored + 5)
    await processor.kill()
  }
  await it.start()
  const finals = await it.finals(events, 60_000)
  await eventually(async () => {
    const { json } = await call(`${it.pspUrl}/admin/callbacks/sent?limit=1000`)
    const sent = json()['data'] as { delivered_at: string | null }[]
    return sent.length > 0 && sent.every((one) => one.delivered_at !== null)
  })
  await eventually(async () => (await countFacts(`state = 'RECEIVED'`)) === 0)
  for (const { payment_id: id } of events) {
    const isPaid = finals.get(id)?.event_type === 'payment.completed'
    assert.equal(await it.charges(id), isPaid ? 1 : 0, id)
  }
  assert.equal(await countFacts(`state = 'PARKED'`), 0)
  const { rows } = await it.db.query(`SELECT callback_id FROM callbacks WHERE state = 'RECEIVED'`)
  assert.deepEqual(rows, [])
  await assertFactsAreEmittedOnce(events)
})

async function countFacts(where = 'true'): Promise<number> {
  const { rows } = await it.db.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM callback_facts WHERE ${where}`,
  )
  return rows[0]!.count
}

async function assertFactsAreEmittedOnce(events: ReturnType<typeof fundsReserved>[]) {
  const account = new Map(
    events.map((event) => [event.payment_id, event.payment_data.service_account_number]),
  )
  // A relay that is killed publishes what it published last once more: the same event twice.
  const facts = await eventually(async () => {
    const all = await readResults<PspFact & { payment?: { payment_id: string } }>(
      it.log,
      TOPICS.pspFacts,
    )
    const distinct = [...new Map(all.map((event) => [event.event_id, event])).values()]
    const expected = [...account.values()].filter((one) => one === 'lies' || one === 'back')
    assert.equal(distinct.length, expected.length)
    return distinct
  })
  const emitted = facts.map(({ event_type: type, payment }) => {
    const of = payment?.payment_id ?? ''
    return `${of} ${account.get(of)} ${type}`
  })
  assert.equal(new Set(emitted).size, emitted.length)
  for (const one of emitted) {
    assert.match(one, /lies psp\.contradicted$|back return\.received$/)
  }
}

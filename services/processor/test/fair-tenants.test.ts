import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { FundsReserved } from '@caudal/contracts/events/funds.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { call } from './call.ts'
import { fileScope, fundsReserved, world } from './world.ts'

const it = await world(fileScope(after), {
  CAUDAL_PSP_CIRCUIT_MIN_RATE: '2',
  CAUDAL_PSP_RETRY_BASE: '1ms',
})

/** Payments of a tenant to an account at a bank. */
function payments(count: number, tenant: string, account: string, bank: string): FundsReserved[] {
  return Array.from({ length: count }, () => {
    const event = fundsReserved(account, { tenant_id: tenant })
    event.payment_data.service_bank_code = bank
    return event
  })
}

test('P5: a destination of one tenant that fails does not fail payments of another tenant', async (t) => {
  await it.behave({ by_account: { dead: 'error_500' } })
  const service = await it.start({ CAUDAL_PSP_TIMEOUT: '10s', CAUDAL_PSP_CIRCUIT_WAIT: '1s' })
  t.after(() => service.stop())
  const failing = payments(300, 'a', 'dead', 'DEADBANK')
  await it.reserve(failing)
  await eventually(async () => {
    const { text } = await call(`${service.url}/metrics`)
    return /psp_circuit_changes_total\{[^}]*state="open"[^}]*\} [1-9]/m.test(text)
  })
  const good = payments(20, 'b', 'alive', 'GOODBANK')
  await it.reserve(good)
  const ends = await it.finals(good)
  const types = good.map(({ payment_id: id }) => ends.get(id)?.event_type)
  assert.deepEqual(types, Array<string>(20).fill('payment.completed'))
  const open = await call(`${service.url}/metrics`)
  assert.match(open.text, /psp_circuits\{[^}]*state="closed"[^}]*\} 1$/m)
  // A payment in doubt could never end with a destination that only fails.
  await it.behave({})
  for (const [id, { event_type: type }] of await it.finals(failing, 60_000)) {
    assert.equal(await it.charges(id), type === 'payment.completed' ? 1 : 0)
  }
})

test('P5: a destination that hangs leaves places for payments of another tenant', async (t) => {
  await it.behave({ by_account: { stuck: 'hang' } })
  const service = await it.start({
    CAUDAL_PSP_MAX_REQUESTS: '16',
    // No request to the stuck destination ends during the test.
    CAUDAL_PSP_TIMEOUT: '60s',
  })
  t.after(() => service.stop())
  const stuck = payments(300, 'a', 'stuck', 'DEADBANK')
  const good = payments(20, 'b', 'alive', 'GOODBANK')
  await it.reserve([...stuck, ...good])
  const ends = await it.finals(good, 60_000)
  for (const { payment_id: id } of good) {
    assert.equal(ends.get(id)?.event_type, 'payment.completed')
  }
  const { rows } = await it.db.query(
    `SELECT count(*)::int AS count FROM payments WHERE tenant_id = 'a' AND step = 'await'`,
  )
  assert.ok(rows[0].count > 8, `the stuck tenant uses ${rows[0].count} of 16 places`)
})

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { beforeEach, describe, test, type TestContext } from 'node:test'
import type { PaymentFinalized } from '@caudal/contracts/events/payments.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { notificationIdOf } from '../src/push/notification-id.ts'
import { finalized, world } from './world.ts'

/** Timeouts for a slow machine, so that the first try succeeds before its lease ends. */
const PATIENT = { leaseMs: 30_000, pushTimeoutMs: 10_000, identityTimeoutMs: 10_000 }

describe('restarts and several instances', async () => {
  const it = await world(suiteScope())
  const { identity } = it
  beforeEach(() => it.behave({}))
  const some = (count: number): PaymentFinalized[] =>
    Array.from({ length: count }, (_, index) =>
      finalized(identity.addUser([index % 2 === 0 ? 'android' : 'ios'])),
    )
  /** Asserts a notification per payment, each with its own id; returns the number of requests. */
  const assertNotified = async (events: readonly PaymentFinalized[]): Promise<number> => {
    await eventually(
      async () => {
        assert.deepEqual(await it.statuses(events), { SENT: events.length })
        return true
      },
      { timeoutMs: 60_000 },
    )
    let count = 0
    for (const { payment_id: paymentId } of events) {
      const messages = await it.messages(paymentId)
      count += messages.length
      assert.deepEqual(
        [...new Set(messages.map((message) => message.message_id))],
        [notificationIdOf(paymentId)],
      )
    }
    return count
  }
  const someAreSent = (events: readonly PaymentFinalized[]): Promise<unknown> =>
    eventually(async () => {
      const { SENT: sent = 0 } = await it.statuses(events)
      return sent > 0 && sent < events.length
    })

  test('P6: a stop waits for notifications in flight, and a restart sends the others', async () => {
    const first = await it.start({ ...PATIENT, concurrency: 16 })
    const events = some(200)
    await it.behave({ default: 'slow:100' })
    await it.finalize(events)
    await someAreSent(events)
    await first.stop()
    const { rows } = await it.db.query<{ status: string; held: bigint }>(
      // A claim without a recorded try is held; a retry that a full push service refused is not.
      `SELECT status, count(*) FILTER (WHERE attempts > failures) AS held FROM notifications
       WHERE payment_id = ANY($1) GROUP BY status`,
      [events.map((event) => event.payment_id)],
    )
    const pending = rows.find(({ status }) => status === 'PENDING')
    assert.ok(pending, 'some are left')
    assert.equal(pending.held, 0n, 'none is held by the instance that is gone')
    const second = await it.start(PATIENT)
    assert.equal(await assertNotified(events), events.length)
    await second.stop()
  })

  test('P6: a killed instance loses no notification, and repeats have the same id', async (t) => {
    const killed = await spawnInstance(t, it.env)
    const events = some(200)
    await it.behave({ default: 'slow:100' })
    await it.finalize(events)
    await eventually(async () => (await it.messages(events[0]!.payment_id)).length > 0)
    killed.kill('SIGKILL')
    await once(killed, 'exit')
    await it.behave({})
    const service = await it.start()
    const messages = await assertNotified(events)
    t.diagnostic(`${messages} messages for ${events.length} payments`)
    await service.stop()
  })

  test('P6: an instance that is killed between the answers of two push services records once', async (t) => {
    const patient = { CAUDAL_PUSH_TIMEOUT: '60s', CAUDAL_PUSH_LEASE: '90s' }
    const killed = await spawnInstance(t, { ...it.env, ...patient })
    const users = Array.from({ length: 10 }, () => identity.addUser(['android', 'ios']))
    const slow = users.map(({ userId }, index) => identity.tokensOf(userId)[index % 2]!)
    await it.behave({ by_token: Object.fromEntries(slow.map((token) => [token, 'slow:90000'])) })
    const events = users.map((user) => finalized(user))
    const ids = events.map((event) => event.payment_id)
    const deliveries = async () => {
      const { rows } = await it.db.query(
        `SELECT channel, status, attempts, count(*)::int FROM deliveries
         WHERE payment_id = ANY($1) GROUP BY channel, status, attempts ORDER BY channel`,
        [ids],
      )
      return rows
    }
    await it.finalize(events)
    await eventually(async () => (await it.requests(events)) === 2 * events.length)
    killed.kill('SIGKILL')
    await once(killed, 'exit')
    assert.deepEqual(await deliveries(), [])
    // The lease of the killed instance ends.
    await it.db.query('UPDATE notifications SET due_at = now() WHERE payment_id = ANY($1)', [ids])
    await it.behave({})
    const service = await it.start(PATIENT)
    assert.equal(await assertNotified(events), 4 * events.length)
    const delivered = { status: 'DELIVERED', attempts: 1, count: events.length }
    assert.deepEqual(await deliveries(), [
      { channel: 'apns', ...delivered },
      { channel: 'fcm', ...delivered },
    ])
    await service.stop()
  })

  test('P6: two instances share the work and notify each user once', async () => {
    const config = { ...PATIENT, concurrency: 50 }
    const instances = [await it.start(config), await it.start(config)]
    const events = some(400)
    await it.finalize([...events, ...events])
    assert.equal(await assertNotified(events), events.length)
    await Promise.all(instances.map((instance) => instance.stop()))
  })

  test('P6: a try that outlasts its lease is repeated with the same id, and SENT is final', async () => {
    const instances = [await it.start({ leaseMs: 50 }), await it.start({ leaseMs: 50 })]
    const events = some(20)
    await it.behave({ default: 'slow:400' })
    await it.finalize(events)
    const seen = new Map<string, string>()
    await eventually(async () => {
      for (const { payment_id: paymentId } of events) {
        const status = (await it.find(paymentId))?.status ?? 'PENDING'
        const before = seen.get(paymentId) ?? 'PENDING'
        if (before !== 'PENDING') assert.equal(status, before)
        seen.set(paymentId, status)
      }
      return [...seen.values()].every((status) => status === 'SENT')
    })
    assert.ok((await assertNotified(events)) > events.length, 'some were repeated')
    await Promise.all(instances.map((instance) => instance.stop()))
    await assertNotified(events)
  })
})

async function spawnInstance(t: TestContext, env: Record<string, string>): Promise<ChildProcess> {
  const script = new URL('run-notifications.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child
}

import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import type { PaymentFinalized } from '@caudal/contracts/events/payments.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { finalized, world } from './world.ts'

const PLACES = 8
/** No call to a push service that hangs ends during a test, so its circuit stays closed. */
const HANGING = { concurrency: PLACES, pushTimeoutMs: 600_000, leaseMs: 900_000 }

describe('the places of each push service', async () => {
  const it = await world(suiteScope())
  const { identity } = it
  beforeEach(() => it.behave({}))

  /** Fills FCM's places with calls that hang; returns their payments. */
  const fillFcm = async (tenantId: string): Promise<PaymentFinalized[]> => {
    const users = Array.from({ length: 4 * PLACES }, () =>
      identity.addUser(['android'], { tenantId }),
    )
    const tokens = users.flatMap(({ userId }) => identity.tokensOf(userId))
    await it.behave({ by_token: Object.fromEntries(tokens.map((token) => [token, 'slow:600000'])) })
    const hanging = users.map((user) => finalized(user))
    await it.finalize(hanging)
    await eventually(async () => (await it.requests(hanging)) >= PLACES)
    return hanging
  }
  /** Ends the calls that hang. */
  const unblock = async (): Promise<void> => {
    await it.behave({})
    await it.stopPush()
    await it.startPush()
  }
  const allSent = (events: readonly PaymentFinalized[]): Promise<unknown> =>
    eventually(
      async () => {
        assert.deepEqual(await it.statuses(events), { SENT: events.length })
        return true
      },
      { timeoutMs: 60_000 },
    )
  const deliveries = async ({ payment_id }: PaymentFinalized) => {
    const { rows } = await it.db.query<{ channel: string; status: string; attempts: number }>(
      'SELECT channel, status, attempts FROM deliveries WHERE payment_id = $1 ORDER BY channel',
      [payment_id],
    )
    return rows
  }

  test('F13: a push service that hangs keeps its own places, and the other one delivers', async () => {
    const service = await it.start(HANGING)
    const hanging = await fillFcm('flood')
    const quick = ['flood', 'caudal'].flatMap((tenantId) =>
      Array.from({ length: 2 * PLACES }, () => finalized(identity.addUser(['ios'], { tenantId }))),
    )
    await it.finalize(quick)
    await allSent(quick)
    assert.deepEqual(await it.statuses(hanging), { PENDING: hanging.length })
    assert.equal(await it.requests(hanging), PLACES)
    const { checks } = (await (await fetch(`${service.url}/readyz`)).json()) as {
      checks: Record<string, { status: string }>
    }
    assert.equal(checks['fcm']?.status, 'ok', 'its circuit is closed')
    await unblock()
    await allSent(hanging)
    await service.stop()
  })

  test('P6: a device whose push service is full is retried, and no other device is sent to again', async () => {
    const service = await it.start(HANGING)
    const hanging = await fillFcm('caudal')
    const both = finalized(identity.addUser(['android', 'ios']))
    await it.finalize([both])
    await eventually(async () => (await deliveries(both)).length === 2)
    const [apns, fcm] = await deliveries(both)
    assert.deepEqual(apns, { channel: 'apns', status: 'DELIVERED', attempts: 1 })
    assert.equal(fcm!.status, 'RETRYING')
    assert.equal((await it.find(both.payment_id))!.detail, 'channel_full')
    await unblock()
    await allSent([both, ...hanging])
    assert.equal((await it.messages(both.payment_id)).length, 2)
    assert.equal((await deliveries(both))[0]!.attempts, 1)
    await service.stop()
  })

  test('P6: a notification to devices of both push services ends once', async () => {
    const service = await it.start()
    const users = Array.from({ length: 20 }, () => identity.addUser(['android', 'ios']))
    const slow = users.map(({ userId }, index) => identity.tokensOf(userId)[index % 2]!)
    await it.behave({ by_token: Object.fromEntries(slow.map((token) => [token, 'slow:300'])) })
    const events = users.map((user) => finalized(user))
    await it.finalize(events)
    await allSent(events)
    for (const event of events) {
      assert.deepEqual(await deliveries(event), [
        { channel: 'apns', status: 'DELIVERED', attempts: 1 },
        { channel: 'fcm', status: 'DELIVERED', attempts: 1 },
      ])
      assert.equal((await it.find(event.payment_id))!.attempts, 1)
    }
    assert.equal(await it.requests(events), 2 * events.length)
    const metrics = await (await fetch(`${service.url}/metrics`)).text()
    const [, ended] = /^notifications_ended_total\{.*status="SENT".*\} (\d+)$/m.exec(metrics) ?? []
    assert.equal(Number(ended), events.length)
    await service.stop()
  })
})

import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { notificationIdOf } from '../src/push/notification-id.ts'
import { finalized, world } from './world.ts'

const HOUR_MS = 60 * 60_000

describe('notifications of the ends of payments', async () => {
  const it = await world(suiteScope())
  const { identity } = it
  const service = await it.start()
  beforeEach(() => it.behave({}))

  /** The first device is reached at once, and the retry for the second does not repeat it. */
  async function assertOneRetry(user: ReturnType<typeof identity.addUser>): Promise<void> {
    const [reached, failing] = identity.tokensOf(user.userId)
    const event = finalized(user)
    await it.behave({ by_token: { [failing!]: 'error_500_once' } })
    await it.finalize([event])
    assert.equal((await it.ended(event.payment_id)).status, 'SENT')
    const tokens = (await it.messages(event.payment_id)).map((message) => message.device_token)
    assert.deepEqual(tokens, [reached, failing])
  }

  test('P6: each device is notified once, through FCM or APNs, with one stable id', async () => {
    const user = identity.addUser(['android', 'ios'], { locale: 'es-PE' })
    const event = finalized(user)
    await it.finalize([event])
    const { status, attempts, failures } = await it.ended(event.payment_id)
    assert.deepEqual([status, attempts, failures], ['SENT', 1, 0])
    const messages = await it.messages(event.payment_id)
    assert.deepEqual(
      messages.map((message) => message.device_token).toSorted(),
      identity.tokensOf(user.userId).toSorted(),
    )
    for (const { message_id: id, title, body } of messages) {
      assert.equal(id, notificationIdOf(event.payment_id))
      assert.equal(title, 'Pago realizado')
      assert.equal(body, 'Pagaste 100.50 USD a Electricity.')
    }
  })

  test('P6: the notification of a failed payment states that the money is available', async () => {
    const user = identity.addUser(['android'])
    const event = finalized(user, { status: 'FAILED', reason: 'gateway_declined' })
    await it.finalize([event])
    await it.ended(event.payment_id)
    const [message] = await it.messages(event.payment_id)
    assert.match(message!.body, /your money is available/)
  })

  test('P6: users that are unknown or have no device get no notification', async () => {
    const without = finalized(identity.addUser([]))
    const unknown = finalized({ tenantId: 'caudal', userId: newId() })
    await it.finalize([without, unknown])
    for (const { payment_id: paymentId } of [without, unknown]) {
      assert.equal((await it.ended(paymentId)).status, 'NO_DEVICE')
      assert.deepEqual(await it.messages(paymentId), [])
    }
  })

  test('P6: each channel repeats a failed notification with the same id', async () => {
    const user = identity.addUser(['android', 'ios'])
    const event = finalized(user)
    await it.behave({ default: 'error_500_once' })
    await it.finalize([event])
    const { status, attempts, failures } = await it.ended(event.payment_id)
    assert.deepEqual([status, attempts, failures], ['SENT', 2, 1])
    const messages = await it.messages(event.payment_id)
    assert.equal(messages.length, 2)
    assert.deepEqual(
      [...new Set(messages.map((message) => message.message_id))],
      [notificationIdOf(event.payment_id)],
    )
  })

  test('P6: a retry for one device does not send to a device that was reached', async () => {
    const user = identity.addUser(['android', 'ios'])
    await assertOneRetry(user)
  })

  test('P6: a dead token is removed at identity, and the other device is notified', async () => {
    const user = identity.addUser(['android', 'ios', 'android'])
    const [android, ios, second] = identity.tokensOf(user.userId)
    const event = finalized(user)
    await it.behave({ by_token: { [android!]: 'unregistered', [ios!]: 'unregistered' } })
    await it.finalize([event])
    assert.equal((await it.ended(event.payment_id)).status, 'SENT')
    const messages = await it.messages(event.payment_id)
    assert.deepEqual(
      messages.map((message) => message.device_token),
      [second],
    )
    await eventually(() => identity.tokensOf(user.userId).length === 1)
    assert.deepEqual(identity.tokensOf(user.userId), [second])
  })

  test('P6: a malformed device delays its own notification only, which shows why', async () => {
    const good = identity.addUser(['android'])
    const bad = identity.addUser(['android'])
    const [device] = bad.devices
    const { device_id: id } = device!
    device!.device_id = 'phone-1'
    const events = [finalized(good), finalized(bad)] as const
    await it.finalize(events)
    const [sent, waiting] = events.map((event) => event.payment_id) as [string, string]
    assert.equal((await it.ended(sent)).status, 'SENT')
    const { status } = (await eventually(async () => {
      const row = await it.find(waiting)
      return /device_id of its own \(a UUID\)/.test(row?.detail ?? '') && row
    })) as { status: string }
    assert.equal(status, 'PENDING')
    assert.deepEqual(await it.messages(waiting), [])
    device!.device_id = id
    assert.equal((await it.ended(waiting)).status, 'SENT')
    assert.equal(await it.requests(events), 2)
  })

  test('P6: a device that the user service sends twice is notified once', async () => {
    const user = identity.addUser(['android'])
    user.devices.push({ ...user.devices[0]! })
    const event = finalized(user)
    await it.finalize([event])
    assert.equal((await it.ended(event.payment_id)).status, 'SENT')
    assert.equal(await it.requests([event]), 1)
  })

  test('P6: a device whose id is in capital letters is not sent to again by a retry', async () => {
    const user = identity.addUser(['android', 'ios'])
    for (const device of user.devices) device.device_id = device.device_id.toUpperCase()
    await assertOneRetry(user)
  })

  test('P6: a user with dead tokens only has no device', async () => {
    const user = identity.addUser(['android', 'ios'])
    const event = finalized(user)
    await it.behave({ default: 'unregistered' })
    await it.finalize([event])
    const { status, detail } = await it.ended(event.payment_id)
    assert.deepEqual([status, detail], ['NO_DEVICE', 'UNREGISTERED'])
    await eventually(() => identity.tokensOf(user.userId).length === 0)
  })

  test('P6: a failed removal of a dead token is repeated at the next notification', async (t) => {
    const user = identity.addUser(['android'])
    const events = [finalized(user), finalized(user)]
    await it.behave({ default: 'unregistered' })
    identity.refusesRemovals = true
    t.after(() => (identity.refusesRemovals = false))
    const removals = () => identity.calls.get('/v1/devices/remove') ?? 0
    const before = removals()
    await it.finalize([events[0]!])
    assert.equal((await it.ended(events[0]!.payment_id)).status, 'NO_DEVICE')
    await eventually(() => removals() === before + 1)
    assert.equal(identity.tokensOf(user.userId).length, 1)
    identity.refusesRemovals = false
    await it.finalize([events[1]!])
    await eventually(() => identity.tokensOf(user.userId).length === 0)
  })

  test('F13: a late answer costs a try, and the repeat has the same id', async () => {
    const user = identity.addUser(['android', 'ios'])
    const event = finalized(user)
    await it.behave({ default: 'slow:1500' })
    await it.finalize([event])
    await eventually(async () => ((await it.find(event.payment_id))?.failures ?? 0) > 0)
    assert.equal((await it.find(event.payment_id))!.detail, 'NO_ANSWER_IN_TIME')
    await it.behave({})
    assert.equal((await it.ended(event.payment_id)).status, 'SENT')
    const messages = await it.messages(event.payment_id)
    assert.ok(messages.length >= 4)
    assert.equal(new Set(messages.map((message) => message.message_id)).size, 1)
  })

  test('rule 4: a repeated event causes one notification, in one batch and in two', async () => {
    const user = identity.addUser(['android'])
    const event = finalized(user)
    await it.finalize([event, event, { ...event, event_id: newId() }])
    await it.ended(event.payment_id)
    await it.finalize([event])
    const marker = finalized(user)
    await it.finalize([marker])
    await it.ended(marker.payment_id)
    assert.equal((await it.messages(event.payment_id)).length, 1)
    assert.equal((await it.find(event.payment_id))!.attempts, 1)
  })

  test('rule 12: the end of a payment older than a day is recorded and not sent', async () => {
    const user = identity.addUser(['android'])
    const old = new Date(Date.now() - 25 * HOUR_MS).toISOString()
    const young = new Date(Date.now() - 23 * HOUR_MS).toISOString()
    const events = [finalized(user, { timestamp: old }), finalized(user, { timestamp: young })]
    await it.finalize(events)
    assert.equal((await it.ended(events[0]!.payment_id)).status, 'TOO_OLD')
    assert.equal((await it.ended(events[1]!.payment_id)).status, 'SENT')
    assert.deepEqual(await it.messages(events[0]!.payment_id), [])
  })

  test('P11: the service reports the steps of a payment', async () => {
    const user = identity.addUser(['android', 'ios'])
    const [android] = identity.tokensOf(user.userId)
    const event = finalized(user)
    await it.behave({ by_token: { [android!]: 'unregistered' } })
    await it.finalize([event])
    await it.ended(event.payment_id)
    const claims = { sub: 'caudal-cli', client_id: 'caudal-cli', scope: 'trace:read' }
    const token = await identity.issuer.sign(claims)
    const url = `${service.url}/internal/payments/${event.payment_id}/steps`
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
    const { steps } = (await response.json()) as { steps: Record<string, string>[] }
    assert.equal(steps.length, 1)
    assert.equal(steps[0]!['step'], 'notification.sent')
    assert.deepEqual(steps[0]!['detail']!.split(', ').toSorted(), [
      'apns delivered',
      'fcm dead_device',
    ])
    assert.equal((await fetch(url)).status, 401)
    const foreign = await identity.issuer.sign({ ...claims, tenant_id: 'other' })
    const other = await fetch(url, { headers: { authorization: `Bearer ${foreign}` } })
    assert.deepEqual(await other.json(), { steps: [] })
  })

  test('P6, P13: notifications are counted per channel, and readiness names each push service', async () => {
    const lines = (await (await fetch(`${service.url}/metrics`)).text()).split('\n')
    const isCounted = (name: string, label: string): boolean =>
      lines.some(
        (line) => line.startsWith(`${name}{`) && line.includes(label) && !line.endsWith(' 0'),
      )
    for (const channel of ['fcm', 'apns']) {
      for (const name of ['notifications_sent_total', 'notifications_failed_total']) {
        assert.ok(isCounted(name, `channel="${channel}"`), `${name} ${channel}`)
      }
      assert.ok(isCounted('push_duration_seconds_count', `channel="${channel}"`))
    }
    assert.ok(lines.includes('notifications_pending{service="notifications"} 0'))
    const ready = await (await fetch(`${service.url}/readyz`)).json()
    const { checks } = ready as { checks: Record<string, { status: string }> }
    assert.deepEqual(
      ['identity', 'fcm', 'apns'].map((name) => checks[name]?.status),
      ['ok', 'ok', 'ok'],
    )
  })
})

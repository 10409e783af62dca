import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import type { PaymentFinalized } from '@caudal/contracts/events/payments.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { finalized, world } from './world.ts'

describe('outages around notifications', async () => {
  const it = await world(suiteScope())
  const { identity } = it
  beforeEach(async () => {
    identity.down = false
    identity.refusedTenants.clear()
    await it.behave({})
  })
  const allSent = (events: readonly PaymentFinalized[]): Promise<unknown> =>
    eventually(
      async () => {
        assert.deepEqual(await it.statuses(events), { SENT: events.length })
        return true
      },
      { timeoutMs: 60_000 },
    )
  const assertNotifiedOnce = async (events: readonly PaymentFinalized[]): Promise<void> => {
    for (const { payment_id: paymentId } of events) {
      const ids = new Set((await it.messages(paymentId)).map((message) => message.message_id))
      assert.equal(ids.size, 1, paymentId)
    }
  }

  test('P6: an outage of identity delays notifications without spending their tries', async (t) => {
    const service = await it.start()
    const events = Array.from({ length: 200 }, () => finalized(identity.addUser(['android'])))
    identity.down = true
    await it.finalize(events)
    await eventually(async () => {
      const { rows } = await it.db.query(
        'SELECT FROM notifications WHERE tried_at IS NOT NULL AND payment_id = ANY($1)',
        [events.map((event) => event.payment_id)],
      )
      return rows.length === events.length
    })
    const waiting = await it.find(events[0]!.payment_id)
    assert.deepEqual([waiting!.status, waiting!.failures], ['PENDING', 0])
    assert.equal(waiting!.detail, 'identity did not answer the lookup of devices')
    await eventually(async () => {
      const ready = (await (await fetch(`${service.url}/readyz`)).json()) as {
        checks: { identity: { status: string } }
      }
      return ready.checks.identity.status === 'warn'
    })
    const before = identity.calls.get('/v1/users/lookup') ?? 0
    identity.down = false
    await allSent(events)
    const lookups = (identity.calls.get('/v1/users/lookup') ?? 0) - before
    t.diagnostic(`${lookups} lookups`)
    // How many become due together depends on the machine; one lookup for each would be 200.
    assert.ok(lookups <= events.length / 4, `${lookups} lookups`)
    await assertNotifiedOnce(events)
    await service.stop()
  })

  test('P6: a tenant that identity refuses does not delay other tenants', async () => {
    const service = await it.start()
    const refused = finalized(identity.addUser(['android'], { tenantId: 'other' }))
    const fine = finalized(identity.addUser(['ios']))
    identity.refusedTenants.add('other')
    await it.finalize([refused, fine])
    assert.equal((await it.ended(fine.payment_id)).status, 'SENT')
    await eventually(async () => ((await it.find(refused.payment_id))?.failures ?? 0) > 1)
    identity.refusedTenants.clear()
    assert.equal((await it.ended(refused.payment_id)).status, 'SENT')
    await service.stop()
  })

  test('P6: an outage of the push services loses no notification, and new ones are recorded', async () => {
    const service = await it.start()
    const some = (): PaymentFinalized[] =>
      Array.from({ length: 40 }, () => finalized(identity.addUser(['android', 'ios'])))
    const before = some()
    await it.stopPush()
    await it.finalize(before)
    await eventually(async () => {
      const { rows } = await it.db.query(
        'SELECT FROM notifications WHERE failures > 0 AND payment_id = ANY($1)',
        [before.map((event) => event.payment_id)],
      )
      return rows.length === before.length
    })
    const meanwhile = some()
    await it.finalize(meanwhile)
    await eventually(async () => (await it.statuses(meanwhile))['PENDING'] === meanwhile.length)
    await it.startPush()
    await allSent([...before, ...meanwhile])
    await assertNotifiedOnce([...before, ...meanwhile])
    await service.stop()
  })

  test('F7: a push service that hangs does not delay the other', async () => {
    const service = await it.start({ concurrency: 32 })
    const android = Array.from({ length: 200 }, () => identity.addUser(['android']))
    const ios = Array.from({ length: 50 }, () => identity.addUser(['ios']))
    const slow = android.flatMap((user) => identity.tokensOf(user.userId))
    await it.behave({ by_token: Object.fromEntries(slow.map((token) => [token, 'slow:60000'])) })
    const hanging = android.map((user) => finalized(user))
    await it.finalize(hanging)
    await eventually(async () => (await it.statuses(hanging))['PENDING'] === hanging.length)
    const quick = ios.map((user) => finalized(user))
    await it.finalize(quick)
    await allSent(quick)
    await it.behave({})
    await allSent(hanging)
    await service.stop()
  })

  test('rule 12: a notification that could not be sent within a day is abandoned', async () => {
    const events = [finalized(identity.addUser(['android'])), finalized(identity.addUser(['ios']))]
    const [untried, tried] = events
    const insert = `
      INSERT INTO notifications (payment_id, tenant_id, user_id, amount, currency, service_name,
        outcome, status, due_at, finalized_at, failures)
      VALUES ($1, $2, $3, '1.00', 'USD', 'Light', 'COMPLETED', 'PENDING', now(),
        now() - interval '25 hours', $4)`
    for (const [event, failures] of [
      [untried!, 0],
      [tried!, 7],
    ] as const) {
      await it.db.query(insert, [event.payment_id, event.tenant_id, event.user_id, failures])
    }
    const service = await it.start()
    assert.equal((await it.ended(untried!.payment_id)).status, 'TOO_OLD')
    assert.equal((await it.ended(tried!.payment_id)).status, 'FAILED')
    for (const event of events) assert.deepEqual(await it.messages(event.payment_id), [])
    await service.stop()
  })

  test('rule 11: an event of an unknown type is parked, one of another service is skipped', async () => {
    const service = await it.start()
    const fine = finalized(identity.addUser(['android']))
    const { event_id, account_id } = fine
    const { timestamp, schema_version, region, tenant_id, actor } = fine
    const envelope = { event_id: newId(), timestamp, schema_version, region, tenant_id, actor }
    const strange = {
      ...envelope,
      event_type: 'user.created' as const,
      user_id: newId(),
      account_id: newId(),
      wallet_id: newId(),
      accounts: [{ account_id, currency: 'USD' }],
    }
    const timeless = finalized(identity.addUser([]), { timestamp: '2026-99-99T99:99:99Z' })
    await it.finalize([strange, timeless, fine])
    await it.log.append([
      { topic: TOPICS.paymentsFinalized, key: event_id, value: '{"event_type":"x"}', headers: {} },
    ])
    assert.equal((await it.ended(fine.payment_id)).status, 'SENT')
    await eventually(async () => {
      const { rows } = await it.db.query<{ cause: string }>(
        'SELECT cause FROM parked_records WHERE resolved_at IS NULL ORDER BY cause',
      )
      assert.deepEqual(
        rows.map(({ cause }) => cause),
        ['2026-99-99T99:99:99Z is not a time', 'this release does not know the event type x'],
      )
      return true
    })
    await service.stop()
  })
})

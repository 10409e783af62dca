import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { type CaudalEvent, schemaVersionOf, topicOf } from '@caudal/contracts/catalogue.ts'
import type { PaymentRecovered } from '@caudal/contracts/events/payments.ts'
import type { RefundFinalized } from '@caudal/contracts/events/refunds.ts'
import type { PaymentReturned } from '@caudal/contracts/events/returns.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { serializeEvent } from '@caudal/contracts/serialize-event.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { finalized, type Message, world } from './world.ts'

type World = Awaited<ReturnType<typeof world>>

const TENANT = 'caudal'

function common(paymentId: string, userId: string) {
  const {
    event_type: _,
    status: __,
    reason: ___,
    schema_version: ____,
    ...rest
  } = finalized({ tenantId: TENANT, userId }, { payment_id: paymentId, event_id: newId() })
  return rest
}

function refund(
  paymentId: string,
  userId: string,
  over: Partial<RefundFinalized> = {},
): RefundFinalized {
  const event_type = 'refund.finalized'
  const { external_order_id: _, ...rest } = common(paymentId, userId)
  return {
    ...rest,
    event_type,
    schema_version: schemaVersionOf(event_type),
    refund_id: newId(),
    status: 'SUCCEEDED',
    failure_reason: null,
    version: 3,
    ...over,
  }
}

function returned(paymentId: string, userId: string): PaymentReturned {
  const event_type = 'payment.returned'
  const { external_order_id: _, ...rest } = common(paymentId, userId)
  return {
    ...rest,
    event_type,
    schema_version: schemaVersionOf(event_type),
    return_id: newId(),
    psp: 'asyncbank',
    reason: 'AC04',
    reason_code: 'account_closed',
  }
}

function recovered(paymentId: string, userId: string): PaymentRecovered {
  const event_type = 'payment.recovered'
  const schema_version = schemaVersionOf(event_type)
  return { ...common(paymentId, userId), event_type, schema_version }
}

/** The answers of devices come in the order of their ids. */
function inOneOrder(detail: string): string {
  const [about, answers] = detail.split(': ')
  return `${about}: ${answers!.split(', ').toSorted().join(', ')}`
}

describe('what comes of a payment later', () => {
  const scope = suiteScope()
  let given: World
  let service: RunningService

  before(async () => {
    given = await world(scope)
    service = await given.start()
  })

  /** A user who speaks English, with a device of each platform. */
  function user(): string {
    return given.identity.addUser(['android', 'ios']).userId
  }

  function publish(...events: readonly CaudalEvent[]): Promise<void> {
    return given.log.append(
      events.map((event) => ({
        topic: topicOf(event.event_type),
        key: event.account_id,
        value: serializeEvent(event),
        headers: {},
      })),
    )
  }

  /** The messages of the payment once they are as many, by their bodies. */
  async function bodies(paymentId: string, count: number): Promise<Map<string, Message[]>> {
    const messages = await eventually(
      async () => {
        const found = await given.messages(paymentId)
        return found.length >= count ? found : undefined
      },
      { label: `${count} messages` },
    )
    assert.equal(messages.length, count)
    return Map.groupBy(messages, ({ body }) => body)
  }

  test('each refund, return and recovery is shown once by each device, under an id of its own', async () => {
    const [userId, paymentId] = [user(), newId()]
    const failed = finalized(
      { tenantId: TENANT, userId },
      { payment_id: paymentId, status: 'FAILED', reason: 'gateway_unreachable' },
    )
    const late = recovered(paymentId, userId)
    const [one, two] = [
      refund(paymentId, userId, { amount: '10.00' }),
      refund(paymentId, userId, { amount: '20.00' }),
    ]
    const back = returned(paymentId, userId)
    const events = [failed, late, one, two, { ...one, status: 'REVERSED' as const }, back]
    await publish(...events, ...events)
    const found = await bodies(paymentId, 12)
    assert.deepEqual(
      [...found.keys()].toSorted(),
      [
        'Your payment of 100.50 USD to Electricity failed; your money is available.',
        'Your payment of 100.50 USD to Electricity was made after all.',
        'You were refunded 10.00 USD of your payment to Electricity.',
        'You were refunded 20.00 USD of your payment to Electricity.',
        'The refund of 10.00 USD of your payment to Electricity was reversed.',
        'Your payment to Electricity was returned: you received 100.50 USD.',
      ].toSorted(),
    )
    const ids = [...found.values()].map((messages) => new Set(messages.map((it) => it.message_id)))
    for (const own of ids) assert.equal(own.size, 1)
    assert.equal(new Set(ids.map((own) => [...own][0])).size, 6)
    // A payment's end is counted by itself, so that one message of it is one.
    const counts = await fetch(`${given.env['CAUDAL_PUSH_URL']}/admin/message-counts?limit=1000`)
    const { data } = (await counts.json()) as { data: { payment_id: string; messages: number }[] }
    assert.equal(data.find((it) => it.payment_id === paymentId)?.messages, 1)
  })

  test('a refund that failed or was canceled is not notified', async () => {
    const [userId, paymentId] = [user(), newId()]
    await publish(
      refund(paymentId, userId, { status: 'FAILED', failure_reason: 'gateway_declined' }),
      refund(paymentId, userId, { status: 'CANCELED' }),
      refund(paymentId, userId, { amount: '1.00' }),
    )
    const found = await bodies(paymentId, 2)
    assert.deepEqual(
      [...found.keys()],
      ['You were refunded 1.00 USD of your payment to Electricity.'],
    )
    const { rows } = await given.db.query(
      'SELECT outcome FROM notifications WHERE of_payment_id = $1',
      [paymentId],
    )
    assert.deepEqual(rows, [{ outcome: 'REFUNDED' }])
  })

  test('a later notification is retried until every device has it', async () => {
    const [userId, paymentId] = [user(), newId()]
    await given.behave({ default: 'error_500_once' })
    await publish(refund(paymentId, userId))
    await bodies(paymentId, 2)
    await given.behave({})
    const { rows } = await eventually(async () => {
      const sent = await given.db.query<{ attempts: number; object_id: string }>(
        `SELECT attempts, object_id FROM notifications
         WHERE of_payment_id = $1 AND status = 'SENT'`,
        [paymentId],
      )
      return sent.rows.length === 1 && sent
    })
    assert.ok(rows[0]!.attempts > 1)
  })

  test('P11: the steps of a payment have its refunds and returns', async () => {
    const [userId, paymentId] = [user(), newId()]
    const [back, again] = [returned(paymentId, userId), refund(paymentId, userId)]
    await publish(back, again)
    await bodies(paymentId, 4)
    const token = await given.identity.issuer.sign({
      sub: 'caudal-cli',
      client_id: 'caudal-cli',
      scope: 'trace:read',
    })
    const path = `${service.url}/internal/payments/${paymentId}/steps`
    const steps = await eventually(async () => {
      const answer = await fetch(path, { headers: { authorization: `Bearer ${token}` } })
      const json = (await answer.json()) as { steps: { step: string; detail: string }[] }
      return json.steps.length === 2 && json.steps
    })
    assert.deepEqual(
      steps.map(({ step, detail }) => `${step} ${inOneOrder(detail)}`).toSorted(),
      [
        `notification.sent REFUNDED ${again.refund_id}: apns delivered, fcm delivered`,
        `notification.sent RETURNED ${back.return_id}: apns delivered, fcm delivered`,
      ].toSorted(),
    )
  })
})

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import {
  type CaudalEvent,
  type EventOf,
  type EventType,
  topicOf,
} from '@caudal/contracts/catalogue.ts'
import { newId } from '@caudal/contracts/ids.ts'
import { readEvent } from '@caudal/contracts/parse-event.ts'
import { serializeEvent } from '@caudal/contracts/serialize-event.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { openEventLog } from '@caudal/event-log/open-event-log.ts'
import type { RunningService } from '@caudal/http/running-service.ts'
import { transaction } from '@caudal/postgres/transaction.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import type { Payment } from '../src/domain/payment.ts'
import { saveRequests } from '../src/store/save-requests.ts'
import { endByEarlierRelease } from './earlier-release.ts'
import { capturedLate, contradicted, returnOf } from './fact-stories.ts'
import { answerOf } from './refund-stories.ts'
import { findOne, runBatch } from './spine.ts'
import { eventsOf, pendingPayment } from './stories.ts'
import { call, createWorld, logger, pay, type World } from './world.ts'

const scope = suiteScope()
let world: World
let service: RunningService
let log: EventLog

before(async () => {
  world = await createWorld(scope)
  service = await world.start()
  log = await openEventLog({ serverUrl: world.log.url, url: world.log.url }, logger)
  scope.after(() => log.close())
})

function publish(...events: CaudalEvent[]): Promise<void> {
  return log.append(
    events.map((event) => ({
      topic: topicOf(event.event_type),
      key: event.account_id,
      value: serializeEvent(event),
      headers: {},
    })),
  )
}

/** The only event of the type in the log with this partition key, once it is published. */
function published<T extends EventType>(type: T, accountId: string): Promise<EventOf<T>> {
  return eventually(
    async () => {
      const { rows } = await world.log.pool.query<{ value: string }>(
        `SELECT value FROM log_records
         WHERE topic = $1 AND record_key = $2 AND value::jsonb ->> 'event_type' = $3`,
        [topicOf(type), accountId, type],
      )
      assert.ok(rows.length < 2, `${type} was published twice`)
      return rows[0] && (readEvent(rows[0].value) as EventOf<T>)
    },
    { label: `${type} is published` },
  )
}

async function accepted(): Promise<{ payment: Payment; token: string }> {
  const userId = newId()
  const token = await world.peers.userToken(userId)
  // An account of its own: a return may block it.
  const over = { amount: '100.00', service_account_number: newId() }
  const order = world.peers.addOrder(userId, over).external_order_id
  const { json } = await pay(service, token, order)
  return { payment: await findOne(world.db.pool, String(json['payment_id'])), token }
}

function becomes({ paymentId }: Payment, token: string, status: string) {
  const url = `${service.url}/v1/payments/${paymentId}`
  return eventually(async () => (await call(url, { token })).json['status'] === status, {
    label: `the payment is shown ${status}`,
  })
}

test('P12: a return from the log is booked, shown and emitted once, whatever is delivered twice', async () => {
  const { payment, token } = await accepted()
  await publish(eventsOf(payment).completed())
  await becomes(payment, token, 'COMPLETED')
  const evidence = returnOf(payment, 10_000n)
  await publish(evidence, { ...evidence, event_id: newId() })
  const posting = await published('posting.requested', payment.accountId)
  assert.deepEqual(
    [posting.kind, posting.source, posting.end, posting.otherwise, posting.amount],
    ['return', { type: 'return', id: evidence.return_id }, 'wallet', 'suspense', '100.00'],
  )
  await publish(answerOf(posting), answerOf(posting), evidence)
  await becomes(payment, token, 'RETURNED')
  const returned = await published('payment.returned', payment.accountId)
  assert.deepEqual([returned.return_id, returned.service_name], [evidence.return_id, 'Water'])
})

test('P12: a success after the failure from the log completes the payment', async () => {
  const { payment, token } = await accepted()
  const it = eventsOf(payment)
  await publish(it.reserved(), it.failed(), it.released())
  await becomes(payment, token, 'FAILED')
  await publish(capturedLate(payment), capturedLate(payment))
  const posting = await published('posting.requested', payment.accountId)
  assert.deepEqual(
    [posting.kind, posting.source.type, posting.end, posting.otherwise],
    ['recapture', 'payment', 'wallet', 'suspense'],
  )
  await publish(answerOf(posting))
  await becomes(payment, token, 'COMPLETED')
  const recovered = await published('payment.recovered', payment.accountId)
  assert.equal(recovered.external_order_id, payment.externalOrderId)
})

test('P12: a contradiction from the log opens a case, and its event is published', async () => {
  const { payment } = await accepted()
  await publish(contradicted(payment, 'failure_after_success'))
  const opened = await published('case.opened', payment.accountId)
  assert.deepEqual(
    [opened.reason, opened.subject],
    ['failure_after_success', { type: 'payment', id: payment.paymentId }],
  )
  const staff = await world.peers.serviceToken('cases:read')
  const { json } = await call(`${service.url}/v1/cases`, { token: staff })
  assert.equal((json['data'] as { case_id: string }[])[0]?.case_id, opened.case_id)
})

test('an instance that starts settles what an instance of release 0.1.0 left', async () => {
  const payment = pendingPayment({ amountMinor: 10_000n })
  const { pool } = world.db
  await transaction(pool, (tx) => saveRequests(tx, [], [payment], []))
  await runBatch(pool, [eventsOf(payment).reserved(), returnOf(payment, 10_000n)])
  await endByEarlierRelease(pool, payment, 'COMPLETED')
  await world.start()
  const posting = await published('posting.requested', payment.accountId)
  assert.deepEqual([posting.kind, posting.end, posting.amount], ['return', 'wallet', '100.00'])
})

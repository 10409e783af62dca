import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { decideEach, eventsOf, pendingPayment } from '../../test/stories.ts'
import { observeEvents } from './observe-events.ts'

test('log lines about a payment name the actor of its event', () => {
  const lines: Record<string, unknown>[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const metrics = createMetrics('payments')
  const entered = metrics.counter('payments_entered_total', 'Payments.', ['status', 'reason'])
  const observe = observeEvents({
    logger: createLogger({ service: 'payments', destination }),
    metrics,
    entered,
    refundsEntered: metrics.counter('refunds_entered_total', 'Refunds.', ['status', 'reason']),
  })
  const payment = pendingPayment()
  const story = eventsOf(payment)
  const psp = { type: 'system', id: 'processor' } as const
  const events = [{ ...story.completed(), actor: psp }, story.released()]
  const decision = decideEach([payment], events)
  const where = { topic: 'payments.results', partition: 0, key: payment.accountId }
  observe(
    decision,
    events.map((event) => ({ event, record: { ...where, offset: 0n, value: '', headers: {} } })),
  )
  assert.deepEqual(
    lines.map(({ message, actor }) => [message, actor]),
    [
      ['payment changed state', psp],
      ['an event contradicts the state of its payment', events[1]?.actor],
    ],
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { newPaymentFacts } from '../../test/new-payment-facts.ts'
import { createObserver } from './observe.ts'

test('each line about a payment names its id and the actor of its events', () => {
  const lines: Record<string, unknown>[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const logger = createLogger({ service: 'processor', destination })
  const observer = createObserver({ logger, metrics: createMetrics('processor') })
  const facts = newPaymentFacts()
  const call = { httpStatus: 500, answerBody: null, latencyMs: 1, errorClass: 'http_500' }
  observer.sent(facts, 1, { outcome: { kind: 'ambiguous' }, facts: call })
  observer.found(facts, 1, { answer: { kind: 'unknown' }, facts: call })
  observer.emitted(facts, { kind: 'in_doubt' })
  observer.lost(facts, 1)
  observer.atOtherPsp(facts, 'other')
  observer.refused(facts, 'wrong_amount')
  observer.recordFailed(facts, new Error('no database'))
  observer.callFailed(facts, new Error('a bug'))
  assert.equal(lines.length, 8)
  for (const { message, payment_id, actor } of lines) {
    const system = { type: 'system', id: 'processor' }
    assert.deepEqual([payment_id, actor], [facts.paymentId, system], String(message))
  }
})

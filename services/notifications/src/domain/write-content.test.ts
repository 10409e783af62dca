import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notificationKeyOf } from '../messaging/notification-key.ts'
import { isWorthSending } from './is-worth-sending.ts'
import type { NotifiedOutcome } from './notification.ts'
import { writeContent } from './write-content.ts'

const DAY_MS = 24 * 60 * 60_000
const content = {
  paymentId: '0190b2a4-0000-7000-8000-000000000001',
  objectId: null,
  userId: '0190b2a4-0000-7000-8000-000000000002',
  outcome: 'COMPLETED' as const,
  amount: '100.50',
  currency: 'USD',
  serviceName: 'Luz del Sur',
  finalizedAtMs: 1_700_000_000_000,
}
const id = 'message-1'

test('P6: the content is in Spanish or in English', () => {
  const english = writeContent(content, { id, locale: 'en-GB' })
  assert.equal(english.title, 'Payment made')
  assert.equal(english.body, 'You paid 100.50 USD to Luz del Sur.')
  for (const locale of ['es', 'es-MX', 'es_PE', 'ES']) {
    assert.equal(writeContent(content, { id, locale }).body, 'Pagaste 100.50 USD a Luz del Sur.')
  }
})

test('P6: an unsupported language falls back to English', () => {
  for (const locale of ['fr', 'est', '']) {
    assert.equal(writeContent(content, { id, locale }).title, 'Payment made')
  }
})

test('P6: the content of a failed payment states that the money is available', () => {
  const failed = { ...content, outcome: 'FAILED' as const }
  assert.match(writeContent(failed, { id, locale: 'en' }).body, /your money is available/)
  assert.match(writeContent(failed, { id, locale: 'es' }).body, /tu dinero está disponible/)
})

test('P6: a service name is shown unchanged, including placeholders', () => {
  const odd = { ...content, serviceName: '{amount} $& {service}' }
  assert.equal(
    writeContent(odd, { id, locale: 'en' }).body,
    'You paid 100.50 USD to {amount} $& {service}.',
  )
})

test('P6: the app receives the stable id, the payment and its outcome', () => {
  assert.deepEqual(writeContent(content, { id, locale: 'en' }).data, {
    message_id: id,
    payment_id: content.paymentId,
    user_id: content.userId,
    status: 'COMPLETED',
  })
})

const objectId = '0190b2a4-0000-7000-8000-000000000003'
const LATER: [outcome: NotifiedOutcome, en: RegExp, es: RegExp, data: Record<string, string>][] = [
  [
    'REFUNDED',
    /^You were refunded 100.50 USD of your payment to Luz del Sur\.$/,
    /^Te reembolsamos 100.50 USD de tu pago a Luz del Sur\.$/,
    { event: 'refund.finalized', status: 'SUCCEEDED', refund_id: objectId },
  ],
  [
    'REFUND_REVERSED',
    /^The refund of 100.50 USD .* Luz del Sur was reversed\.$/,
    /^El reembolso de 100.50 USD .* Luz del Sur fue anulado\.$/,
    { event: 'refund.finalized', status: 'REVERSED', refund_id: objectId },
  ],
  [
    'RETURNED',
    /^Your payment to Luz del Sur was returned: you received 100.50 USD\.$/,
    /^Tu pago a Luz del Sur fue devuelto: recibiste 100.50 USD\.$/,
    { event: 'payment.returned', status: 'RETURNED', return_id: objectId },
  ],
  [
    'RECOVERED',
    /^Your payment of 100.50 USD to Luz del Sur was made after all\.$/,
    /^Tu pago de 100.50 USD a Luz del Sur se hizo finalmente\.$/,
    { event: 'payment.recovered', status: 'COMPLETED' },
  ],
]

test('money that came back or left again is reported in both languages, with its object', () => {
  for (const [outcome, en, es, data] of LATER) {
    const later = { ...content, outcome, objectId: outcome === 'RECOVERED' ? null : objectId }
    assert.match(writeContent(later, { id, locale: 'en' }).body, en)
    const spanish = writeContent(later, { id, locale: 'es-PE' })
    assert.match(spanish.body, es)
    const common = { message_id: id, payment_id: content.paymentId, user_id: content.userId }
    assert.deepEqual(spanish.data, { ...common, ...data })
  }
})

test('every object and outcome has a key of its own, and a repeat has the same', () => {
  const { paymentId } = content
  const outcomes = ['COMPLETED', ...LATER.map(([outcome]) => outcome)] as const
  const keysOf = () =>
    outcomes.map((outcome) => notificationKeyOf(outcome, { paymentId, objectId }))
  assert.equal(new Set(keysOf()).size, outcomes.length)
  assert.deepEqual(keysOf(), keysOf())
  assert.equal(keysOf()[0], paymentId)
})

test('rule 12: a notification expires after a day, also for a device that is off', () => {
  const { finalizedAtMs } = content
  assert.equal(writeContent(content, { id, locale: 'en' }).expiresAtMs, finalizedAtMs + DAY_MS)
  assert.ok(isWorthSending(finalizedAtMs, finalizedAtMs + DAY_MS))
  assert.ok(!isWorthSending(finalizedAtMs, finalizedAtMs + DAY_MS + 1))
})

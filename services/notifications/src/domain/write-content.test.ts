import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isWorthSending } from './is-worth-sending.ts'
import { writeContent } from './write-content.ts'

const DAY_MS = 24 * 60 * 60_000
const content = {
  paymentId: '0190b2a4-0000-7000-8000-000000000001',
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

test('rule 12: a notification expires after a day, also for a device that is off', () => {
  const { finalizedAtMs } = content
  assert.equal(writeContent(content, { id, locale: 'en' }).expiresAtMs, finalizedAtMs + DAY_MS)
  assert.ok(isWorthSending(finalizedAtMs, finalizedAtMs + DAY_MS))
  assert.ok(!isWorthSending(finalizedAtMs, finalizedAtMs + DAY_MS + 1))
})

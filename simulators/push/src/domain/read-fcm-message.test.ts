import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readFcmMessage } from './read-fcm-message.ts'

const MESSAGE = {
  token: 'device:1_a-b',
  notification: { title: 'Payment made', body: 'You paid 10.00 USD.' },
  data: { message_id: 'm1', user_id: 'u1', payment_id: 'p1', status: 'COMPLETED' },
  android: { collapse_key: 'k1', notification: { tag: 'k1' } },
}

test('P6: a message is parsed with its stable id, its user and its payment', () => {
  assert.deepEqual(readFcmMessage({ message: MESSAGE }), {
    push: {
      messageId: 'm1',
      platform: 'android',
      deviceToken: 'device:1_a-b',
      userId: 'u1',
      paymentId: 'p1',
      title: 'Payment made',
      body: 'You paid 10.00 USD.',
      data: MESSAGE.data,
    },
    validateOnly: false,
  })
})

test('without data.message_id the collapse key is the stable id', () => {
  const { data: _, ...rest } = MESSAGE
  const read = readFcmMessage({ message: rest })
  assert.ok('push' in read)
  assert.equal(read.push.messageId, 'k1')
})

test('invalid messages are refused with a message that names the member', () => {
  const bad: Array<[unknown, RegExp]> = [
    [null, /Invalid value/],
    [{}, /Invalid value/],
    [{ message: { ...MESSAGE, token: undefined } }, /Invalid value/],
    [{ message: { ...MESSAGE, data: { amount: 1 } } }, /message\.data/],
    [{ message: { ...MESSAGE, colour: 'red' } }, /Invalid value/],
    [{ message: MESSAGE, dry_run: true }, /Invalid value/],
    [{ message: { ...MESSAGE, token: 'no spaces' } }, /registration token/],
    [{ message: { ...MESSAGE, data: { google_x: '1' } } }, /Invalid data payload key/],
    [{ message: { ...MESSAGE, data: { text: 'x'.repeat(4_097) } } }, /too big/],
  ]
  for (const [body, refusal] of bad) {
    const read = readFcmMessage(body)
    assert.ok('refusal' in read, JSON.stringify(body))
    assert.match(read.refusal, refusal)
  }
})

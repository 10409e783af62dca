import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBehaviour } from './behaviour.ts'
import { type IncomingPush, planPushes, refusalKey } from './plan-pushes.ts'

function incoming(deviceToken: string, messageId: string, text: string): IncomingPush {
  const behaviour = parseBehaviour(text)
  assert.ok(behaviour !== null)
  const push = {
    messageId,
    platform: 'ios' as const,
    deviceToken,
    userId: null,
    paymentId: null,
    title: null,
    body: null,
    data: {},
  }
  return { push, behaviour }
}

test('P8: each behaviour gives its outcome', () => {
  const pushes = [
    incoming('a', '1', 'ok'),
    incoming('b', '1', 'unregistered'),
    incoming('c', '1', 'slow:5'),
    incoming('d', '1', 'error_500_once'),
  ]
  const refusable = new Set(pushes.map(({ push }) => refusalKey(push)))
  const outcomes = planPushes(pushes, refusable)
  assert.deepEqual(outcomes, ['accepted', 'unregistered', 'accepted', 'failed'])
})

test('error_500_once fails each message to a device once', () => {
  const one = incoming('a', '1', 'error_500_once')
  const other = incoming('a', '2', 'error_500_once')
  const outcomes = planPushes([one, one, other], new Set([refusalKey(one.push)]))
  assert.deepEqual(outcomes, ['failed', 'accepted', 'accepted'])
})

test('an unknown behaviour is not parsed', () => {
  for (const text of ['', 'OK', 'slow', 'slow:-1', 'slow:x', 'ok ']) {
    assert.equal(parseBehaviour(text), null, text)
  }
})

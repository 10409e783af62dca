import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ApnsRequest, readApnsPush } from './read-apns-push.ts'

const NOW_MS = 1_800_000_000_000
const ID = '0199a1b2-0000-7000-8000-0000000000aa'
const DEVICE = 'ab'.repeat(32)

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function bearer(header: object = {}, claims: object = {}): string {
  const issuedAt = NOW_MS / 1_000 - 60
  const token = [
    part({ alg: 'ES256', kid: 'KEY1', ...header }),
    part({ iss: 'TEAM1', iat: issuedAt, ...claims }),
    'c2ln',
  ]
  return `bearer ${token.join('.')}`
}

function request(change: Partial<ApnsRequest> = {}, headers: object = {}): ApnsRequest {
  const payload = {
    aps: { alert: { title: 'Payment made', body: 'You paid 10.00 USD.' } },
    user_id: 'u1',
    payment_id: 'p1',
  }
  return {
    method: 'POST',
    path: `/3/device/${DEVICE}`,
    headers: {
      authorization: bearer(),
      'apns-id': ID,
      'apns-topic': 'dev.caudal.app',
      'apns-push-type': 'alert',
      ...headers,
    },
    body: Buffer.from(JSON.stringify(payload)),
    ...change,
  }
}

test('P6: a push is parsed with its apns-id, its user and its payment', () => {
  assert.deepEqual(readApnsPush(request(), NOW_MS), {
    messageId: ID,
    platform: 'ios',
    deviceToken: DEVICE,
    userId: 'u1',
    paymentId: 'p1',
    title: 'Payment made',
    body: 'You paid 10.00 USD.',
    data: { user_id: 'u1', payment_id: 'p1' },
  })
})

test('invalid requests are refused with the reasons that APNs gives', () => {
  const bad: Array<[ApnsRequest, number, string]> = [
    [request({ path: '/3/devices/x' }), 404, 'BadPath'],
    [request({ method: 'GET' }), 405, 'MethodNotAllowed'],
    [request({}, { authorization: undefined }), 403, 'MissingProviderToken'],
    [request({}, { authorization: 'bearer junk' }), 403, 'InvalidProviderToken'],
    [request({}, { authorization: bearer({ alg: 'RS256' }) }), 403, 'InvalidProviderToken'],
    [request({}, { authorization: bearer({ kid: undefined }) }), 403, 'InvalidProviderToken'],
    [request({}, { authorization: bearer({}, { iat: 1 }) }), 403, 'ExpiredProviderToken'],
    [request({}, { 'apns-id': 'x' }), 400, 'BadMessageId'],
    [request({}, { 'apns-topic': undefined }), 400, 'MissingTopic'],
    [request({}, { 'apns-push-type': 'shout' }), 400, 'InvalidPushType'],
    [request({}, { 'apns-collapse-id': 'x'.repeat(65) }), 400, 'BadCollapseId'],
    [request({ path: '/3/device/' }), 400, 'MissingDeviceToken'],
    [request({ path: '/3/device/not-hex' }), 400, 'BadDeviceToken'],
    [request({ body: Buffer.alloc(4_097, 0x20) }), 413, 'PayloadTooLarge'],
    [request({ body: Buffer.from('[]') }), 400, 'PayloadEmpty'],
    [request({ body: Buffer.from('{"aps":"\\ud800"}') }), 400, 'PayloadEmpty'],
  ]
  for (const [refused, status, reason] of bad) {
    assert.deepEqual(readApnsPush(refused, NOW_MS), { status, reason })
  }
})

import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, test } from 'node:test'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { generateKeyPair, SignJWT } from 'jose'
import { selfSigned } from './self-signed.ts'
import { postH2, providerToken, startPush } from './start-push.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

function deviceToken(): string {
  return randomBytes(32).toString('hex')
}

function notification(paymentId: string, messageId: string = randomUUID()) {
  return {
    title: 'Pago realizado',
    body: 'Pagaste 10.00 USD a Servicio A.',
    data: { message_id: messageId, payment_id: paymentId, user_id: `user-${paymentId}` },
  }
}

function fcmMessage(token: string, { title, body, data }: ReturnType<typeof notification>) {
  return { token, notification: { title, body }, data }
}

describe('simulated push services', async () => {
  const push = await startPush(suiteScope())
  beforeEach(() => push.behave({}))

  test('P6: FCM accepts a message and stores it with its user and payment', async () => {
    const paymentId = randomUUID()
    const sent = notification(paymentId)
    const { status, json } = await push.fcm(fcmMessage('device-1', sent))
    assert.equal(status, 200)
    assert.deepEqual(json, { name: `projects/caudal-dev/messages/${sent.data.message_id}` })
    const [message, ...more] = await push.messages(`payment_id=${paymentId}`)
    assert.deepEqual(more, [])
    assert.deepEqual(message, {
      message_id: sent.data.message_id,
      platform: 'android',
      device_token: 'device-1',
      user_id: `user-${paymentId}`,
      payment_id: paymentId,
      title: sent.title,
      body: sent.body,
      data: sent.data,
      received_at: message?.['received_at'],
    })
    assert.deepEqual(await push.messages(`user_id=user-${paymentId}`), [message])
  })

  test('P6: APNs over HTTP/2 accepts a message and stores it', async () => {
    const paymentId = randomUUID()
    const { title, body, data } = notification(paymentId)
    const token = deviceToken()
    const payload = { aps: { alert: { title, body } }, ...data }
    const { status, headers } = await push.apns(token, payload, { 'apns-id': data.message_id })
    assert.equal(status, 200)
    assert.equal(headers['apns-id'], data.message_id)
    const [message] = await push.messages(`payment_id=${paymentId}`)
    assert.deepEqual(
      [message?.['message_id'], message?.['platform'], message?.['device_token']],
      [data.message_id, 'ios', token],
    )
    assert.deepEqual([message?.['title'], message?.['body']], [title, body])
    assert.deepEqual(message?.['data'], data)
  })

  test('P6: a repeat is stored again with the same message id', async () => {
    const paymentId = randomUUID()
    const sent = fcmMessage('device-2', notification(paymentId))
    await Promise.all([push.fcm(sent), push.fcm(sent)])
    const messages = await push.messages(`payment_id=${paymentId}`)
    assert.equal(messages.length, 2)
    assert.equal(new Set(messages.map((message) => message['message_id'])).size, 1)
  })

  test('P8: a push to an unregistered device is refused in the format of FCM and of APNs', async () => {
    const paymentId = randomUUID()
    const apple = deviceToken()
    await push.behave({ by_token: { gone: 'unregistered', [apple]: 'unregistered' } })
    const fcm = await push.fcm(fcmMessage('gone', notification(paymentId)))
    assert.equal(fcm.status, 404)
    assert.deepEqual(fcm.json['error'], {
      code: 404,
      message: 'Requested entity was not found.',
      status: 'NOT_FOUND',
      details: [
        {
          '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError',
          errorCode: 'UNREGISTERED',
        },
      ],
    })
    const apns = await push.apns(apple, { aps: {}, payment_id: paymentId })
    assert.equal(apns.status, 410)
    assert.equal(apns.json['reason'], 'Unregistered')
    assert.ok(Number(apns.json['timestamp']) > 1_700_000_000_000)
    assert.deepEqual(await push.messages(`payment_id=${paymentId}`), [])
  })

  test('P8: error_500_once fails once per message and device, also across a restart', async () => {
    const paymentId = randomUUID()
    const apple = deviceToken()
    await push.behave({ by_token: { shaky: 'error_500_once', [apple]: 'error_500_once' } })
    const sent = notification(paymentId)
    const failed = await push.fcm(fcmMessage('shaky', sent))
    assert.equal(failed.status, 500)
    assert.equal((failed.json['error'] as { status: string }).status, 'INTERNAL')
    const headers = { 'apns-id': sent.data.message_id }
    const refused = await push.apns(apple, { ...sent.data }, headers)
    assert.deepEqual([refused.status, refused.json], [500, { reason: 'InternalServerError' }])
    assert.deepEqual(await push.messages(`payment_id=${paymentId}`), [])
    await push.restart()
    assert.equal((await push.fcm(fcmMessage('shaky', sent))).status, 200)
    assert.equal((await push.apns(apple, { ...sent.data }, headers)).status, 200)
    assert.equal((await push.fcm(fcmMessage('shaky', notification(paymentId)))).status, 500)
    assert.equal((await push.messages(`payment_id=${paymentId}`)).length, 2)
  })

  test('P8: slow delays the response', async () => {
    const apple = deviceToken()
    await push.behave({ default: 'slow:150' })
    const started = performance.now()
    await Promise.all([
      push.fcm(fcmMessage('late', notification('p'))),
      push.apns(apple, { aps: {} }),
    ])
    assert.ok(performance.now() - started >= 149)
  })

  test('P8: messages and behaviour survive a restart', async () => {
    const paymentId = randomUUID()
    await push.fcm(fcmMessage('device-3', notification(paymentId)))
    const settings = { default: 'slow:1', by_token: { gone: 'unregistered' } }
    await push.behave(settings)
    await push.restart()
    assert.equal((await push.messages(`payment_id=${paymentId}`)).length, 1)
    assert.deepEqual((await push.call('GET', '/admin/behaviour')).json, settings)
  })

  test('P6: the token endpoint exchanges a signed assertion for a token that FCM accepts', async () => {
    const { privateKey } = await generateKeyPair('RS256')
    const assertion = await new SignJWT({
      scope: 'https://www.googleapis.com/auth/firebase.messaging',
    })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuer('caudal@caudal-dev.iam.example')
      .setAudience('https://oauth2.example/token')
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(privateKey)
    const granted = await token(push, { grant_type: GRANT, assertion })
    assert.equal(granted.status, 200)
    assert.equal(granted.json['token_type'], 'Bearer')
    assert.equal(granted.json['expires_in'], 3_599)
    const authorization = `Bearer ${String(granted.json['access_token'])}`
    const sent = await push.fcm(fcmMessage('device-4', notification('p')), { authorization })
    assert.equal(sent.status, 200)
    const junk = await token(push, { grant_type: GRANT, assertion: 'junk' })
    assert.deepEqual([junk.status, junk.json['error']], [400, 'invalid_grant'])
    const other = await token(push, { grant_type: 'password' })
    assert.deepEqual([other.status, other.json['error']], [400, 'unsupported_grant_type'])
  })

  test('P6: FCM refuses invalid requests in its own format', async () => {
    const missing = await push.fcm(fcmMessage('device-5', notification('p')), {})
    assert.equal(missing.status, 401)
    assert.equal((missing.json['error'] as { status: string }).status, 'UNAUTHENTICATED')
    const invalid = await push.fcm({ token: 'device-5', data: { amount: 1 } })
    assert.equal(invalid.status, 400)
    assert.equal((invalid.json['error'] as { status: string }).status, 'INVALID_ARGUMENT')
    const dryRun = { validate_only: true, message: fcmMessage('device-5', notification('dry')) }
    const path = '/v1/projects/caudal-dev/messages:send'
    const headers = { authorization: 'Bearer t' }
    assert.equal((await push.call('POST', path, dryRun, headers)).status, 200)
    assert.deepEqual(await push.messages('payment_id=dry'), [])
  })

  test('P6: APNs refuses invalid requests in its own format', async () => {
    const token = deviceToken()
    const bad = await push.apns('not-hex', { aps: {} })
    assert.deepEqual([bad.status, bad.json], [400, { reason: 'BadDeviceToken' }])
    const anonymous = await postH2(push.apnsUrl(), `/3/device/${token}`, {}, '{}')
    assert.deepEqual([anonymous.status, anonymous.json], [403, { reason: 'MissingProviderToken' }])
    const large = await push.apns(token, { aps: { alert: 'x'.repeat(200_000) } })
    assert.deepEqual([large.status, large.json], [413, { reason: 'PayloadTooLarge' }])
    assert.match(String(large.headers['apns-id']), /^[0-9a-f-]{36}$/)
  })

  test('texts that PostgreSQL cannot store do not affect other messages of the batch', async () => {
    const odd = notification('odd\u0000payment')
    odd.title = 'a\u0000b'
    odd.data.user_id = 'u'.repeat(3_000)
    const even = notification(randomUUID())
    const sent = [odd, even].map((one) => push.fcm(fcmMessage('device-6', one)))
    const statuses = (await Promise.all(sent)).map(({ status }) => status)
    assert.deepEqual(statuses, [200, 200])
    assert.equal((await push.messages(`payment_id=${even.data.payment_id}`)).length, 1)
  })

  test('300 concurrent pushes over both protocols are all stored', async () => {
    const paymentId = randomUUID()
    const token = deviceToken()
    const sent = Array.from({ length: 300 }, (_, index) =>
      index % 10 === 0
        ? push.apns(token, { aps: {}, payment_id: paymentId })
        : push.fcm(fcmMessage('device-7', notification(paymentId))),
    )
    assert.ok((await Promise.all(sent)).every(({ status }) => status === 200))
    const seen = new Set<unknown>()
    let query: string | null = `payment_id=${paymentId}&limit=128`
    while (query !== null) {
      const { json } = await push.call('GET', `/admin/messages?${query}`)
      const page = json as { data: Array<{ message_id: string }>; next_cursor: string | null }
      for (const message of page.data) seen.add(message.message_id)
      const { next_cursor: cursor } = page
      query = cursor && `payment_id=${paymentId}&limit=128&cursor=${cursor}`
    }
    assert.equal(seen.size, 300)
  })

  test('invalid admin requests are refused', async () => {
    for (const query of ['limit=0', 'limit=1001', 'cursor=junk', 'user_id=']) {
      assert.equal((await push.call('GET', `/admin/messages?${query}`)).status, 400, query)
    }
    for (const settings of [{ default: 'explode' }, { by_token: { a: 'slow' } }, { by: {} }, []]) {
      const { status, json } = await push.call('PUT', '/admin/behaviour', settings)
      assert.deepEqual([status, json['code']], [400, 'MALFORMED_REQUEST'], JSON.stringify(settings))
    }
  })
})

test('P6: APNs uses TLS if a certificate is configured', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'caudal-apns-'))
  t.after(() => rm(folder, { recursive: true }))
  const { cert, key } = selfSigned('apns.example')
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  await Promise.all([writeFile(certFile, cert), writeFile(keyFile, key)])
  const push = await startPush(t, {
    CAUDAL_PUSH_APNS_TLS_CERT_FILE: certFile,
    CAUDAL_PUSH_APNS_TLS_KEY_FILE: keyFile,
  })
  assert.match(push.apnsUrl(), /^https:/)
  const { status } = await postH2(
    push.apnsUrl(),
    `/3/device/${deviceToken()}`,
    { authorization: `bearer ${await providerToken()}`, 'apns-topic': 'dev.caudal.app' },
    '{"aps":{}}',
    { ca: cert, checkServerIdentity: () => undefined },
  )
  assert.equal(status, 200)
})

async function token(push: Awaited<ReturnType<typeof startPush>>, form: Record<string, string>) {
  // The same form encoding as Google's clients use.
  const response = await fetch(new URL('/token', push.url()), {
    method: 'POST',
    body: new URLSearchParams(form),
  })
  return { status: response.status, json: (await response.json()) as Record<string, unknown> }
}

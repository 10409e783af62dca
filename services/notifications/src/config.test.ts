import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { readConfig } from './config.ts'

const BASE = { CAUDAL_CLIENT_SECRET: 'a-secret-of-some-length' }

function pem(type: 'rsa' | 'ec'): string {
  const { privateKey } =
    type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2_048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function problemsOf(env: Record<string, string>): string[] {
  try {
    readConfig({ ...BASE, ...env })
    return []
  } catch (error) {
    return [...(error as { problems: string[] }).problems]
  }
}

test('P8: without credentials the service uses the push simulator with generated keys', () => {
  const { fcm, apns } = readConfig(BASE)
  assert.equal(fcm.url, 'http://127.0.0.1:8088')
  assert.equal(fcm.account.token_uri, 'http://127.0.0.1:8088/token')
  assert.equal(apns.url, 'http://127.0.0.1:8089')
  assert.match(apns.key.privateKey, /BEGIN PRIVATE KEY/)
})

test('P6: addresses and credentials configure the real push services', () => {
  const account = {
    project_id: 'shop',
    client_email: 'push@shop.example',
    private_key: pem('rsa'),
    token_uri: 'https://oauth2.example/token',
  }
  const { fcm, apns } = readConfig({
    ...BASE,
    CAUDAL_FCM_URL: 'https://fcm.googleapis.com/',
    CAUDAL_FCM_SERVICE_ACCOUNT: JSON.stringify({ ...account, type: 'service_account' }),
    CAUDAL_APNS_URL: 'https://api.push.apple.com',
    CAUDAL_APNS_PRIVATE_KEY: pem('ec'),
    CAUDAL_APNS_KEY_ID: 'KEY1',
    CAUDAL_APNS_TEAM_ID: 'TEAM1',
    CAUDAL_APNS_TOPIC: 'example.shop',
  })
  assert.equal(fcm.url, 'https://fcm.googleapis.com')
  assert.deepEqual(fcm.account, account)
  assert.equal(apns.topic, 'example.shop')
  assert.equal(apns.key.keyId, 'KEY1')
})

test('P6: a real push service without its credentials is refused', () => {
  const problems = problemsOf({
    CAUDAL_FCM_URL: 'https://fcm.googleapis.com',
    CAUDAL_APNS_URL: 'https://api.push.apple.com',
  })
  assert.deepEqual(problems, [
    'CAUDAL_FCM_SERVICE_ACCOUNT is missing',
    'CAUDAL_APNS_PRIVATE_KEY is missing',
  ])
})

test('P6: invalid credentials are reported together, without their values', () => {
  const problems = problemsOf({
    CAUDAL_FCM_SERVICE_ACCOUNT: JSON.stringify({ project_id: 'shop', private_key: 'nonsense' }),
    CAUDAL_APNS_PRIVATE_KEY: pem('rsa'),
  })
  assert.deepEqual(problems, [
    'CAUDAL_FCM_SERVICE_ACCOUNT lacks client_email',
    'CAUDAL_FCM_SERVICE_ACCOUNT lacks token_uri',
    'CAUDAL_FCM_SERVICE_ACCOUNT must hold a private key (PKCS #8, RSA)',
    'CAUDAL_APNS_PRIVATE_KEY must hold a private key (PKCS #8, EC)',
    'CAUDAL_APNS_KEY_ID is missing',
    'CAUDAL_APNS_TEAM_ID is missing',
    'CAUDAL_APNS_TOPIC is missing',
  ])
  assert.deepEqual(problemsOf({ CAUDAL_FCM_SERVICE_ACCOUNT: '{' }), [
    'CAUDAL_FCM_SERVICE_ACCOUNT must be the JSON of a service account file',
  ])
})

test('P6: a lease that a slow try would outlast is refused', () => {
  assert.deepEqual(problemsOf({ CAUDAL_PUSH_LEASE: '8s' }), [
    'CAUDAL_PUSH_LEASE must be longer than the timeouts of identity and push together',
  ])
})

import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { test } from 'node:test'
import { readConfig } from '@caudal/asyncbank-simulator/config.ts'
import { bankEnvironment, hasBanks, newBankSecrets } from './bank-environment.ts'
import { SERVICE_ENTRIES } from './services.ts'

const URLS = { gatewayUrl: 'http://127.0.0.1:8080', asyncbankUrl: 'http://127.0.0.1:8090' }
const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const spki = Buffer.from('302a300506032b6570032100', 'hex')

test('the processor gets the public key of the key that signs callbacks of the asynchronous bank', () => {
  const env = bankEnvironment(newBankSecrets(), URLS)
  const { callbacks, apiKey } = readConfig(env)
  assert.equal(callbacks.url, 'http://127.0.0.1:8080/callbacks/asyncbank/main')
  assert.equal(apiKey, env['CAUDAL_PSP_ASYNCBANK_API_KEY'])
  const [keyid, publicKey = ''] = env['CAUDAL_PSP_ASYNCBANK_CALLBACK_SECRETS']!.split(':')
  assert.equal(keyid, callbacks.keyid)
  const der = (head: Buffer, key: string) => Buffer.concat([head, Buffer.from(key, 'base64')])
  const body = Buffer.from('1.{}')
  const signature = sign(
    null,
    body,
    createPrivateKey({ key: der(pkcs8, callbacks.key), format: 'der', type: 'pkcs8' }),
  )
  const key = createPublicKey({ key: der(spki, publicKey), format: 'der', type: 'spki' })
  assert.ok(verify(null, body, key, signature))
})

test('callbacks are sent only where the processor and the gateway start with both banks', () => {
  const all = [...SERVICE_ENTRIES.keys()]
  assert.ok(hasBanks(all))
  for (const part of ['psp', 'asyncbank', 'processor', 'api-gateway']) {
    assert.ok(!hasBanks(all.filter((name) => name !== part)), part)
  }
})

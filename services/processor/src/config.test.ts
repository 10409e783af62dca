import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from '@caudal/config/environment.ts'
import { readConfig } from './config.ts'
import { sourceAccountOf } from './domain/source-account.ts'

test('the defaults: 5 s for the PSP, three retries, the first query within 2 s', () => {
  const { psp, port } = readConfig({})
  assert.equal(port, 8083)
  assert.equal(psp.url, 'http://127.0.0.1:8087')
  assert.equal(psp.name, 'main')
  assert.equal(psp.policy.timeoutMs, 5_000)
  assert.equal(psp.policy.maxRetries, 3)
  assert.ok(psp.policy.firstQueryMs <= 2_000)
})

test('the source account is that of tenant and currency, else the default', () => {
  const { accounts } = readConfig({
    CAUDAL_PSP_SOURCE_ACCOUNTS: '{"default":"1","tenants":{"caudal":{"EUR":"2"}}}',
  }).psp
  assert.equal(sourceAccountOf(accounts, 'caudal', 'EUR'), '2')
  assert.equal(sourceAccountOf(accounts, 'caudal', 'USD'), '1')
  assert.equal(sourceAccountOf(accounts, 'toString', 'EUR'), '1')
})

test('accounts of callbacks have several secrets and a tenant, and without secrets all are refused', () => {
  const callbacksOf = (secrets?: string) =>
    readConfig(secrets === undefined ? {} : { CAUDAL_PSP_CALLBACK_SECRETS: secrets }).psp.callbacks
  const none = callbacksOf()
  assert.deepEqual(
    [...none.accounts],
    [['main', { secrets: [], tenantId: 'caudal', tenants: null }]],
  )
  assert.equal(none.maxAgeMs, 72 * 3_600_000)
  const [[name, main] = []] = callbacksOf('the-first-secret, the-second-secret').accounts
  assert.equal(name, 'main')
  assert.deepEqual(main?.secrets, ['the-first-secret', 'the-second-secret'])
  const { accounts } = callbacksOf(
    '{"main":{"secrets":["a-secret-of-main"]},"shop":{"secrets":["a-secret"],"tenant":"shops"}}',
  )
  const shops = { secrets: ['a-secret'], tenantId: 'shops', tenants: new Set(['shops']) }
  assert.deepEqual(accounts.get('shop'), shops)
  assert.equal(accounts.get('main')?.tenantId, 'caudal')
  assert.deepEqual(accounts.get('main')?.tenants, new Set(['caudal']))
  const given = callbacksOf(
    '{"main":{"secrets":["a-secret"],"tenants":["*"]},' +
      '"few":{"secrets":["a-secret"],"tenants":["a","b"]}}',
  ).accounts
  assert.deepEqual([given.get('main')?.tenants, given.get('few')?.tenants], [null, new Set('ab')])
  for (const bad of [
    'short',
    '{"main":{}}',
    '{"main":{"secrets":[]}}',
    '{"Main":{"secrets":["a-secret"]}}',
    '{"main":{"secrets":["a-secret"],"key":1}}',
    '{"main":{"secrets":["a-secret"],"tenants":[]}}',
    '{',
  ]) {
    assert.throws(() => callbacksOf(bad), /CAUDAL_PSP_CALLBACK_SECRETS must be/, bad)
  }
})

test('all invalid variables are reported together', () => {
  const bad = {
    CAUDAL_PSP_SOURCE_ACCOUNTS: '{"tenants":{}}',
    CAUDAL_PSP_TIMEOUT: '1s',
    CAUDAL_PSP_RETRIES: 'many',
    CAUDAL_PSP_NAME: 'Main/1',
  }
  assert.throws(
    () => readConfig(bad),
    (error) => {
      assert.ok(error instanceof ConfigError)
      for (const name of ['SOURCE_ACCOUNTS', 'CONNECT_TIMEOUT', 'RETRIES', 'NAME']) {
        assert.match(error.message, new RegExp(`CAUDAL_PSP_${name} `))
      }
      return true
    },
  )
})

const TWO = {
  CAUDAL_PSP_URL: 'http://127.0.0.1:1',
  CAUDAL_PSP_API_KEY: 'key-of-main',
  CAUDAL_PSP_TIMEOUT: '9s',
  CAUDAL_PSP_RETRIES: '7',
  CAUDAL_PSPS: 'asyncbank, third_bank',
  CAUDAL_PSP_ASYNCBANK_URL: 'http://127.0.0.1:2',
  CAUDAL_PSP_ASYNCBANK_RETRIES: '1',
  CAUDAL_PSP_THIRD_BANK_URL: 'http://127.0.0.1:3',
  CAUDAL_PSP_THIRD_BANK_ADAPTER: 'syncbank',
  CAUDAL_PSP_THIRD_BANK_CALLBACK_SECRETS: 'a-long-secret, another-secret',
}

test('further PSPs have their own variables, and limits of the default one, but no secrets of it', () => {
  const [main, second, third] = readConfig(TWO).psps
  assert.deepEqual([main?.name, main?.adapter], ['main', 'syncbank'])
  assert.deepEqual(main?.callbacks.accounts.get('main')?.secrets, [])
  assert.equal(second?.name, 'asyncbank')
  assert.equal(second.adapter, 'asyncbank')
  assert.equal(second.url, 'http://127.0.0.1:2')
  assert.equal(second.apiKey, undefined)
  assert.deepEqual([second.policy.timeoutMs, second.policy.maxRetries], [9_000, 1])
  assert.deepEqual([third?.name, third?.adapter], ['third_bank', 'syncbank'])
  const { secrets } = third?.callbacks.accounts.get('main') ?? {}
  assert.deepEqual(secrets, ['a-long-secret', 'another-secret'])
  assert.equal(third?.policy.maxRetries, 7)
})

test('PSPs and routes that cannot work are refused at the start', () => {
  const route = (value: unknown) => ({ CAUDAL_PSP_ROUTES: JSON.stringify(value) })
  const bad: [string, Record<string, string>][] = [
    ['CAUDAL_PSPS', { CAUDAL_PSPS: 'Main' }],
    ['CAUDAL_PSPS', { CAUDAL_PSPS: 'asyncbank,main' }],
    ['CAUDAL_PSPS', { CAUDAL_PSPS: 'asyncbank,asyncbank' }],
    // CAUDAL_PSP_CONNECT_TIMEOUT would be two things.
    ['CAUDAL_PSPS', { CAUDAL_PSPS: 'connect' }],
    ['CAUDAL_PSP_ASYNCBANK_URL', { CAUDAL_PSP_ASYNCBANK_URL: '' }],
    ['CAUDAL_PSP_THIRD_BANK_ADAPTER', { CAUDAL_PSP_THIRD_BANK_ADAPTER: '' }],
    ['CAUDAL_PSP_ADAPTER', { CAUDAL_PSP_ADAPTER: 'toString' }],
    ['CAUDAL_PSP_ASYNCBANK_CALLBACK_SECRETS', { CAUDAL_PSP_ASYNCBANK_CALLBACK_SECRETS: 'k1:x' }],
    ['CAUDAL_PSP_CALLBACK_SECRETS', { CAUDAL_PSP_CALLBACK_SECRETS: 'short' }],
    ['CAUDAL_PSP_ASYNCBANK_CONNECT_TIMEOUT', { CAUDAL_PSP_ASYNCBANK_CONNECT_TIMEOUT: '9s' }],
    ['CAUDAL_PSP_ROUTES', { CAUDAL_PSP_ROUTES: '{' }],
    ['CAUDAL_PSP_ROUTES', route([{ psps: [] }])],
    ['CAUDAL_PSP_ROUTES', route([{ psps: ['unknown'] }])],
    ['CAUDAL_PSP_ROUTES', route([{ psps: ['main', 'main'] }])],
    ['CAUDAL_PSP_ROUTES', route([{ psps: ['main'], country: 'EC' }])],
    ['CAUDAL_PSP_ROUTES', route([{ psps: ['main'], currency: 'usd' }])],
  ]
  for (const [variable, changes] of bad) {
    assert.throws(
      () => readConfig({ ...TWO, ...changes }),
      ({ message }: Error) => message.includes(`${variable} `),
      JSON.stringify(changes),
    )
  }
})

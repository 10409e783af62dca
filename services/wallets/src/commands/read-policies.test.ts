import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, readEnvironment } from '@caudal/config/environment.ts'
import { policyBook } from './policy-book.ts'
import { readPolicies } from './read-policies.ts'

const NAME = 'CAUDAL_WALLETS_CLIENT_POLICIES'

function read(policies: unknown) {
  const text = typeof policies === 'string' ? policies : JSON.stringify(policies)
  return readEnvironment({ [NAME]: text }, readPolicies)
}

const SHOP = {
  client_id: 'shop',
  account_kinds: ['wallet', 'fees'],
  currencies: { USD: { max_per_transfer: '10.00', max_per_day: '25.50' }, JPY: {} },
}

test('a policy is read in minor units of its currencies', () => {
  const [shop] = read([SHOP])
  assert.deepEqual(shop?.policy.accountKinds, new Set(['wallet', 'fees']))
  assert.deepEqual(shop?.policy.currencies?.get('USD'), {
    perTransferMinor: 1_000n,
    perDayMinor: 2_550n,
  })
  const noLimits = { perTransferMinor: null, perDayMinor: null }
  assert.deepEqual(shop?.policy.currencies?.get('JPY'), noLimits)
  const [free] = read([{ client_id: 'free' }])
  assert.deepEqual([free?.policy.accountKinds, free?.policy.currencies], [null, null])
  assert.deepEqual(readEnvironment({}, readPolicies), [])
})

test('policies that say the same have one version, whatever their order', () => {
  const { account_kinds: kinds, currencies } = SHOP
  const { USD, JPY } = currencies
  const usd = { max_per_day: USD.max_per_day, max_per_transfer: USD.max_per_transfer }
  const same = {
    currencies: { JPY, USD: usd },
    account_kinds: kinds.toReversed(),
    tenant_id: 'caudal',
    client_id: 'shop',
  }
  const versionOf = (one: object) => read([one])[0]!.policy.version
  assert.equal(versionOf(same), versionOf(SHOP))
  const others = [
    { ...SHOP, client_id: 'other' },
    { ...SHOP, tenant_id: 'other' },
    { ...SHOP, account_kinds: ['wallet'] },
    { ...SHOP, currencies: { USD, JPY: { max_per_day: '5' } } },
    { client_id: 'shop' },
  ]
  const versions = new Set([SHOP, ...others].map(versionOf))
  assert.equal(versions.size, 6)
})

test('a client without a policy of its own has the one of every client of its tenant', () => {
  const policies = read([SHOP, { client_id: '*', account_kinds: ['wallet'] }])
  const policyOf = policyBook(policies)
  const of = (clientId: string, tenantId = 'caudal') =>
    policyOf({ tenantId, clientId, subject: clientId })?.version
  assert.equal(of('shop'), policies[0]?.policy.version)
  assert.equal(of('billing'), policies[1]?.policy.version)
  assert.equal(of('shop', 'other'), undefined)
})

test('a wrong policy refuses the configuration', () => {
  const limitOfDay = (max_per_day: string) => {
    return { client_id: 'a', currencies: { USD: { max_per_day } } }
  }
  const wrong: [unknown, RegExp][] = [
    ['{', /must be a JSON array of policies/],
    [{}, /must be a JSON array of policies/],
    [[{ account_kinds: ['wallet'] }], /client_id/],
    [[{ ...SHOP, accounts: [] }], /must be a JSON array of policies/],
    [[{ ...SHOP, account_kinds: ['treasure'] }], /account_kinds/],
    [[SHOP, { ...SHOP, tenant_id: 'caudal' }], /names a client twice/],
    [[limitOfDay('1.005')], /of the client a: The amount has more than the 2 decimals of USD/],
    [[limitOfDay('-1')], /of the client a: The amount is not a plain decimal number/],
    // ISO 4217 gives this code to "no currency", so no amount can be in it.
    [[{ client_id: 'a', currencies: { XXX: {} } }], /of the client a: "XXX" is not a currency/],
  ]
  for (const [policies, message] of wrong) {
    assert.throws(
      () => read(policies),
      (error) => error instanceof ConfigError && message.test(error.message),
      JSON.stringify(policies),
    )
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../config.ts'
import { accountsOfTenant } from './accounts-of-tenant.ts'

test('a tenant has the accounts that speak for it alone, not those that it shares', () => {
  const accounts = {
    main: { secrets: ['a-secret'], tenants: ['*'] },
    shop: { secrets: ['a-secret'], tenant: 'shops' },
    both: { secrets: ['a-secret'], tenants: ['shops', 'caudal'] },
  }
  const { psps } = readConfig({ CAUDAL_PSP_CALLBACK_SECRETS: JSON.stringify(accounts) })
  assert.deepEqual(accountsOfTenant(psps, 'shops'), [{ psp: 'main', account: 'shop' }])
  assert.deepEqual(accountsOfTenant(psps, 'caudal'), [])
})

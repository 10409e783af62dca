import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accountIdOf } from '@caudal/contracts/ids.ts'
import { PSP_PATTERN } from '@caudal/contracts/psp.ts'
import fc from 'fast-check'
import { SLOTS, SYSTEM_ACCOUNT_KINDS, settlementPsp, systemAccount } from './account.ts'

const psps = fc.oneof(
  fc.constantFrom(null, 'main', 'psp_settlement', 'fees', 'a', 'a_1', 'a1'),
  fc.stringMatching(new RegExp(PSP_PATTERN)),
)
const names = fc.record({
  tenantId: fc.constantFrom('caudal', 'main', 'other'),
  kind: fc.constantFrom(...SYSTEM_ACCOUNT_KINDS),
  currency: fc.constantFrom('USD', 'EUR'),
  slot: fc.nat(SLOTS - 1),
  psp: psps,
})

test('no two combinations of tenant, kind, currency, PSP and slot have one account id', () => {
  fc.assert(
    fc.property(fc.array(names, { minLength: 2, maxLength: 50 }), (of) => {
      const meant = new Set<string>()
      const ids = new Set<string>()
      for (const { tenantId, kind, currency, slot, psp } of of) {
        meant.add(JSON.stringify([tenantId, kind, currency, slot, psp ?? 'main']))
        ids.add(systemAccount({ tenantId, kind, currency, slot, psp }).accountId)
      }
      assert.equal(ids.size, meant.size)
    }),
  )
})

test('the default PSP keeps the account ids that release 0.1.0 made', () => {
  const of = { tenantId: 'caudal', kind: 'psp_settlement', currency: 'USD', slot: 3 } as const
  const id = accountIdOf('caudal', 'psp_settlement/3', 'USD')
  assert.equal(id, '9f509864-1d6c-52b7-b1f4-19919cf3a0cd')
  for (const psp of [undefined, null, 'main']) {
    const named = psp === undefined ? of : { ...of, psp }
    assert.deepEqual(systemAccount(named), { ...of, accountId: id, psp: null })
  }
  assert.equal(systemAccount({ ...of, psp: 'other' }).psp, 'other')
})

test('only a settlement account has a PSP, the default one where none is kept with it', () => {
  assert.equal(settlementPsp('psp_settlement', null), 'main')
  assert.equal(settlementPsp('psp_settlement', 'other'), 'other')
  assert.equal(settlementPsp('wallet', null), null)
  assert.equal(settlementPsp('fees', null), null)
})

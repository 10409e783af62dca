import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { examplePayment, newRef, startAsyncbank, uuid } from './start-asyncbank.ts'

describe('payouts of the asynchronous bank', async () => {
  const bank = await startAsyncbank(suiteScope())
  beforeEach(() => bank.behave({}))

  /** The payout once it has ended. */
  async function paidOut(ref: string): Promise<string | undefined> {
    const { status, fields } = await bank.order({ ...examplePayment(ref), kind: 'payout' })
    assert.equal(status, 202)
    await bank.ended(fields['id'] ?? '')
    return (await bank.query(fields['id'] ?? '')).fields['state']
  }

  test('P8: a payout settles like a payment and is in a list of its own', async () => {
    const ref = newRef()
    assert.equal(await paidOut(ref), 'settled')
    const [booked] = await bank.list('payouts')
    assert.deepEqual(booked, {
      payout_id: uuid(ref),
      amount: '100.50',
      currency: 'USD',
      account_number: '1234567890',
      at: booked?.['at'],
    })
    for (const name of ['charges', 'returned-money']) {
      assert.deepEqual(await bank.list(name), [], name)
    }
  })

  test('a payout that is rejected or taken back is in no list', async () => {
    await bank.behave({ by_operation: { payout: 'decline' } })
    assert.equal(await paidOut(newRef()), 'rejected')
    await bank.behave({ by_operation: { payout: 'reverse_after_success' } })
    const ref = newRef()
    assert.equal(await paidOut(ref), 'reversed')
    for (const name of ['payouts', 'reversals', 'returned-money']) {
      assert.ok(!JSON.stringify(await bank.list(name)).includes(uuid(ref)), name)
    }
  })

  test('a payout has no original', async () => {
    const form = { ...examplePayment(newRef()), kind: 'payout', orig: 'AB0123456789ABCDEF01234567' }
    const { status, fields } = await bank.order(form)
    assert.deepEqual([status, fields], [400, { code: 'invalid_orig' }])
  })
})

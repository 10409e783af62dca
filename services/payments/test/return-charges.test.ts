import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import type { Payment } from '../src/domain/payment.ts'
import { paymentMigrations } from '../src/migrations.ts'
import { casesOf, openLedger, returnOf } from './fact-stories.ts'
import { capture, emittedOf, findOne, runBatch } from './spine.ts'

const scope = suiteScope()
let db: Db

before(async () => {
  db = (await testDatabase(scope, { sets: paymentMigrations, name: 'return_charges' })).pool
})

const ledgerOf = (payment: Payment) => openLedger(db, () => [payment.accountId])

test('E1: smaller by bank charges: the user is whole, and the operator bears the difference', async () => {
  const payment = await capture(db)
  const ledger = ledgerOf(payment)
  const evidence = returnOf(payment, 9_700n, { charges: '3.00' })
  await runBatch(db, [evidence, evidence])
  const [asked, ...others] = await emittedOf(db, 'posting.requested', payment.paymentId)
  assert.deepEqual(others, [])
  assert.deepEqual([asked?.amount, asked?.charges], ['100.00', '3.00'])
  await ledger.settle()
  assert.deepEqual(ledger.balances, { wallet: 10_000n, suspense: 0n, receivable: 0n })
  assert.equal((await findOne(db, payment.paymentId)).returnedMinor, 10_000n)
  const [returned] = await emittedOf(db, 'payment.returned', payment.paymentId)
  assert.equal(returned?.amount, '100.00')
  assert.deepEqual(await casesOf(db, payment.accountId), [])
})

test('an evidence without the charges repeats the return that named them', async () => {
  const payment = await capture(db)
  const ledger = ledgerOf(payment)
  const returnId = newId()
  await runBatch(db, [returnOf(payment, 9_700n, { returnId, charges: '3.00' })])
  await runBatch(db, [returnOf(payment, 9_700n, { returnId })])
  await ledger.settle()
  assert.deepEqual(ledger.balances, { wallet: 10_000n, suspense: 0n, receivable: 0n })
  assert.deepEqual(await casesOf(db, payment.accountId), [])
})

test('by the other policy the user bears what the bank kept', async () => {
  const payment = await capture(db)
  const ledger = ledgerOf(payment)
  await runBatch(db, [returnOf(payment, 9_700n, { charges: '3.00' })], undefined, 'user')
  await ledger.settle()
  assert.deepEqual(ledger.balances, { wallet: 9_700n, suspense: 0n, receivable: 0n })
  assert.equal((await findOne(db, payment.paymentId)).returnedMinor, 9_700n)
})

test('a return of a part names no charges, and none are taken for granted', async () => {
  const payment = await capture(db)
  const ledger = ledgerOf(payment)
  await runBatch(db, [returnOf(payment, 9_700n)])
  await ledger.settle()
  assert.deepEqual(ledger.balances, { wallet: 9_700n, suspense: 0n, receivable: 0n })
})

test('charges with which a return exceeds the payment go to suspense without them, with a case', async () => {
  const payment = await capture(db)
  const ledger = ledgerOf(payment)
  await runBatch(db, [returnOf(payment, 9_700n, { charges: '3.01' })])
  await ledger.settle()
  assert.deepEqual(ledger.balances, { wallet: 0n, suspense: 9_700n, receivable: 0n })
  assert.deepEqual(await casesOf(db, payment.accountId), ['return_exceeds_captured'])
})

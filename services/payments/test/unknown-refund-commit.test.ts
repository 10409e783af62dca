import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { paymentMigrations } from '../src/migrations.ts'
import { createRefundRequests } from '../src/requests/refunds/request-refunds.ts'
import { askRefund } from './direct-requests.ts'
import { commitFaults, withFirstCommit } from './faulty-commits.ts'
import { capture, emittedOf, findOne } from './spine.ts'

const scope = suiteScope()
let db: Db
let adminUrl: string

before(async () => {
  const database = await testDatabase(scope, { sets: paymentMigrations, name: 'refund_commit' })
  db = database.pool
  adminUrl = database.adminUrl
})

for (const [name, commit] of commitFaults(() => adminUrl)) {
  test(`P12: a COMMIT ${name}: the refund is read back by its key, and exists once`, async () => {
    const payment = await capture(db)
    const policy = { windowMs: 60_000, mostRefunds: 100 }
    const faulty = withFirstCommit(db, commit)
    const requests = createRefundRequests({
      db: faulty,
      region: 'test',
      policy,
      afterCommit: () => {},
    })
    const [first, rival] = [
      askRefund({ paymentId: payment.paymentId, amount: '60.00' }),
      askRefund({ paymentId: payment.paymentId, amount: '60.00' }),
    ]
    const outcomes = await Promise.all([
      requests.request(first),
      requests.request({ ...first, refundId: newId() }),
      requests.request(rival),
    ])
    assert.deepEqual(
      outcomes.map(
        (outcome) => outcome.kind === 'answered' && [outcome.answer.status, outcome.replayed],
      ),
      [
        [202, false],
        [202, true],
        [422, false],
      ],
    )
    assert.deepEqual(await requests.request(rival), { ...outcomes[2], replayed: true })
    assert.equal((await findOne(db, payment.paymentId)).pendingMinor, 6_000n)
    const requested = await emittedOf(db, 'refund.requested', payment.paymentId)
    assert.equal(requested.length, 1)
  })
}

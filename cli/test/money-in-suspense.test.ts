import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import type { CaseReason } from '@caudal/contracts/reasons.ts'
import { paymentMigrations } from '@caudal/payments/migrations.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { walletMigrations } from '@caudal/wallets/migrations.ts'
import { findLostCaptures } from '../src/verify/came-back/late-captures.ts'
import { checkUnmatched } from '../src/verify/came-back/return-check.ts'
import type { CheckInput } from '../src/verify/check.ts'
import { collectFindings } from '../src/verify/findings.ts'

const AT = '2026-01-01T00:00:00Z'

// Without running services, which would go on with what is planted.
async function books(t: TestContext) {
  const { pool: payments } = await testDatabase(t, { sets: paymentMigrations, name: 'payments' })
  const { pool: wallets } = await testDatabase(t, { sets: walletMigrations, name: 'wallets' })
  const input = { payments, wallets, recentFrom: new Date() } as CheckInput
  const common = {
    tenant_id: 'caudal',
    user_id: newId(),
    account_id: newId(),
    amount_minor: 500,
    currency: 'USD',
    psp: 'main',
  }
  return {
    input,
    lateCapture: (id: string, end: string) =>
      insert(payments, 'payments', {
        ...common,
        payment_id: id,
        external_order_id: newId(),
        service_name: 'planted',
        status: end === 'RECOVERED' ? 'COMPLETED' : 'FAILED',
        reason: end === 'RECOVERED' ? null : 'gateway_declined',
        order_freed: end !== 'RECOVERED',
        late_capture: end,
        trace_id: newId(),
        refunded_minor: 0,
        pending_minor: 0,
        returned_minor: 0,
        keeps_facts: false,
        created_at: AT,
        updated_at: AT,
        finalized_at: AT,
      }),
    returned: (id: string, paymentId: string | null, suspendedFor: CaseReason) =>
      insert(payments, 'returns', {
        ...common,
        return_id: id,
        account_id: suspendedFor === 'return_of_unpaid_payment' ? common.account_id : id,
        payment_id: paymentId,
        user_id: paymentId === null ? null : common.user_id,
        reference: id,
        reason: 'MS03',
        reason_code: 'not_specified',
        status: 'SUSPENDED',
        suspended_for: suspendedFor,
        charges_minor: 0,
        version: 2,
        received_at: AT,
        updated_at: AT,
      }),
    caseAbout: (subject: { type: string; id: string }, reason: CaseReason, paymentId?: string) =>
      insert(payments, 'cases', {
        ...common,
        case_id: newId(),
        reason,
        subject_type: subject.type,
        subject_id: subject.id,
        payment_id: paymentId ?? null,
        detail: 'planted',
        status: 'OPEN',
        version: 1,
        opened_at: AT,
      }),
    refund: (paymentId: string) =>
      insert(payments, 'refunds', {
        ...common,
        refund_id: newId(),
        payment_id: paymentId,
        origin: 'late_capture',
        cause: 'other',
        metadata: {},
        trace_id: newId(),
        status: 'PENDING',
        version: 1,
        created_at: AT,
        updated_at: AT,
      }),
    booked: (kind: string, source: { type: string; id: string }, end: string) =>
      insert(wallets, 'psp_postings', {
        ...common,
        posting_id: newId(),
        transfer_id: newId(),
        payment_id: source.type === 'payment' ? source.id : null,
        kind,
        source_type: source.type,
        source_id: source.id,
        other_end: end,
        charges_minor: 0,
        fingerprint: String.raw`\x`,
        booked_at: AT,
      }),
  }
}

async function insert(db: Db, table: string, row: Record<string, unknown>): Promise<void> {
  const text = `INSERT INTO ${table} SELECT * FROM jsonb_populate_record(NULL::${table}, $1)`
  await db.query(text, [JSON.stringify(row)])
}

test('P14: verify finds successes after a failure whose money is not accounted for', async (t) => {
  const { input, lateCapture, booked, refund } = await books(t)
  const found = async (): Promise<string[]> => (await findLostCaptures(input)).violations
  const add = async (end: string): Promise<{ type: 'payment'; id: string; name: string }> => {
    const id = newId()
    await lateCapture(id, end)
    return { type: 'payment', id, name: `payment ${id} succeeded after its failure (${end})` }
  }

  const recovered = await add('RECOVERED')
  assert.deepEqual(await found(), [`${recovered.name}, and was booked 0 times`])
  await booked('recapture', recovered, 'wallet')
  assert.deepEqual(await found(), [])

  const refunding = await add('REFUNDING')
  await booked('recapture', refunding, 'wallet')
  assert.deepEqual(await found(), [
    `${refunding.name}, but was booked to wallet`,
    `${refunding.name}, but has no refund`,
  ])
  await booked('recapture', refunding, 'suspense')
  await refund(refunding.id)
  assert.deepEqual(await found(), [`${refunding.name}, and was booked 2 times`])
})

test('P14: verify finds a late success in suspense that no case accounts for', async (t) => {
  const { input, lateCapture, booked, caseAbout, returned } = await books(t)
  const found = async (): Promise<string[]> => (await findLostCaptures(input)).violations
  const add = async (): Promise<{ type: 'payment'; id: string; noCase: string }> => {
    const id = newId()
    await lateCapture(id, 'SUSPENDED')
    await booked('recapture', { type: 'payment', id }, 'suspense')
    const noCase = `payment ${id} succeeded after its failure (SUSPENDED), but has no case`
    return { type: 'payment', id, noCase }
  }

  const first = await add()
  await caseAbout(first, 'operation_unknown', first.id)
  await caseAbout({ type: 'refund', id: newId() }, 'success_after_failure', first.id)
  assert.deepEqual(await found(), [first.noCase])
  await caseAbout(first, 'success_after_failure', first.id)
  assert.deepEqual(await found(), [])

  const paid = await add()
  assert.deepEqual(await found(), [paid.noCase])
  await returned(newId(), paid.id, 'return_of_unpaid_payment')
  assert.deepEqual(await found(), [])
})

test('P14: verify finds returns that named no payment and are not in suspense with a case', async (t) => {
  const { input, returned, booked, caseAbout } = await books(t)
  const found = async (): Promise<string[]> => {
    const { add, finding } = collectFindings(input.recentFrom)
    return finding(await checkUnmatched(input, add)).violations
  }
  for (const [paymentId, reason] of [
    [null, 'return_unmatched'],
    [newId(), 'return_exceeds_captured'],
  ] as const) {
    const one = { type: 'return', id: newId() }
    await returned(one.id, paymentId, reason)
    await caseAbout(one, 'currency_mismatch')
    const name = `return ${one.id}, first reported without a payment,`
    assert.deepEqual(await found(), [`${name} was booked 0 times`, `${name} has no case`])
    await booked('return', one, 'suspense')
    assert.deepEqual(await found(), [`${name} has no case`])
    await caseAbout(one, reason)
    assert.deepEqual(await found(), [])
  }
})

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { factIdOf, foundRefundIdOf, newId } from '@caudal/contracts/ids.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import pg from 'pg'
import type { CallbackFact } from '../src/domain/callback-fact.ts'
import { reprocessCallback } from '../src/store/reprocess-callback.ts'
import { storeCallbacks } from '../src/store/store-callbacks.ts'
import { about, callbackWorld, post } from './callback-world.ts'
import { fileScope, fundsReserved, refundRequested } from './world.ts'

// A status query on its own schedule would come a minute after the doubt.
const scope = fileScope(after)
const it = await callbackWorld(scope, {
  CAUDAL_PSP_FIRST_QUERY: '60s',
  CAUDAL_PSP_QUERY_MAX: '60s',
})

function factOf(given: Partial<CallbackFact>): CallbackFact {
  return {
    key: newId(),
    kind: 'pay',
    ourId: null,
    itsId: null,
    paymentId: null,
    paymentItsId: null,
    state: 'approved',
    amountMinor: 1_000n,
    currency: 'USD',
    reasonCode: null,
    ...given,
  }
}

/** Stores a callback as an instance does that dies before it applies it. */
async function storeOnly(facts: CallbackFact[]): Promise<void> {
  const body = Buffer.from('{}')
  const callback = { callbackId: newId(), psp: 'main', account: 'main', body, facts }
  await storeCallbacks(it.db, [{ ...callback, isMasked: false, signedAt: null }])
}

test('P15: a return proves that a payment in doubt had left, so it is queried at once', async () => {
  await it.deliver(null)
  await it.behave({ by_account: { lost: 'apply_then_reset' } })
  const payment = fundsReserved('lost')
  await it.reserve([payment])
  await eventually(async () => (await it.resultsOf(payment.payment_id)).length === 1)
  await it.deliver(it.service.url)
  await it.console('/admin/returns', { payment_id: payment.payment_id, reason: 'AC01' })
  assert.equal((await it.final(payment.payment_id)).event_type, 'payment.completed')
  const [returned] = await it.facts(payment.payment_id)
  assert.equal(returned?.event_type, 'return.received')
  const types = (await it.resultsOf(payment.payment_id)).map(({ event_type: type }) => type)
  assert.deepEqual(types, ['payment.in_doubt', 'payment.completed'])
})

test('P15: money that the console refunds of a payment in doubt waits for the end of the payment', async () => {
  await it.deliver(null)
  await it.behave({ by_account: { lost: 'apply_then_reset' } })
  const payment = fundsReserved('lost')
  await it.reserve([payment])
  await eventually(async () => (await it.resultsOf(payment.payment_id)).length === 1)
  await it.deliver(it.service.url)
  await it.console('/admin/refunds', { payment_id: payment.payment_id, amount: '1.00' })
  assert.equal((await it.final(payment.payment_id)).event_type, 'payment.completed')
  const [fact] = await it.settled(payment.payment_id)
  assert.equal(fact?.state, 'APPLIED')
  const found = await eventually(async () => (await it.facts(payment.payment_id))[0])
  assert.equal(found?.event_type, 'refund.found')
})

test('P15: a fact that fails while it is applied is parked, and stops no other of its callback', async () => {
  await it.behave({})
  // The bank's own callbacks about these payments would be further facts of them.
  await it.deliver(null)
  const [first, second] = [await it.pay(), await it.pay()]
  const ids = [first, second].map(({ payment_id: id }) => ({ ourId: id, paymentId: id }))
  const bad = factOf({ kind: 'return', state: 'returned', currency: 'ZZZ', itsId: 'b-bad' })
  await storeOnly([
    factOf({ ...ids[0], state: 'pending' }),
    bad,
    factOf({ ...ids[1], itsId: 'other', amountMinor: 1n }),
  ])
  assert.equal((await it.settled(first.payment_id)).at(-1)?.state, 'NO_CHANGE')
  assert.equal((await it.settled(second.payment_id)).at(-1)?.state, 'CONTRADICTION')
  const [parked] = await it.settled(bad.key)
  assert.deepEqual(
    [parked?.state, parked?.cause, parked?.callback_state],
    ['PARKED', 'internal_error', 'CONTRADICTION'],
  )
  await it.deliver(it.service.url)
})

test('P15: each unknown approval of a callback is a case of its own', async () => {
  const facts = [1_000n, 2_000n].map((amountMinor) =>
    factOf({ ourId: newId(), itsId: newId(), amountMinor }),
  )
  await storeOnly(facts)
  const subjects = facts.map(({ key }) => factIdOf('main', 'main', key))
  const amounts = await eventually(async () => {
    const events = await Promise.all(subjects.map((id) => it.facts(id)))
    assert.deepEqual(
      events.map((all) => all.map(({ event_type: type }) => type)),
      [['psp.contradicted'], ['psp.contradicted']],
    )
    return events.flatMap((all) => all.map((event) => 'amount' in event && event.amount))
  })
  assert.deepEqual(amounts, ['10.00', '20.00'])
})

test('P15: a fact that cannot be applied for now stops no other', async () => {
  await it.behave({})
  const [stuck, payment] = [await it.pay(), await it.pay()]
  const owner = new pg.Client({ connectionString: it.adminUrl })
  await owner.connect()
  try {
    await owner.query(`
      CREATE FUNCTION fail_for_now() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'a full disk' USING ERRCODE = '58030'; END $$;
      CREATE TRIGGER fail_for_now BEFORE UPDATE ON payments FOR EACH ROW
        WHEN (NEW.payment_id = '${stuck.payment_id}') EXECUTE FUNCTION fail_for_now();`)
    const [first, second] = [stuck, payment].map(({ payment_id: id }) =>
      factOf({ ourId: id, paymentId: id, state: 'failed' }),
    )
    await storeOnly([first!, second!])
    await eventually(async () => (await it.stored(second!.key))[0]?.state === 'CONTRADICTION')
    assert.equal((await it.stored(first!.key))[0]?.state, 'RECEIVED')
    await owner.query('DROP TRIGGER fail_for_now ON payments')
    assert.equal((await it.settled(first!.key))[0]?.state, 'CONTRADICTION')
  } finally {
    await owner.end()
  }
})

test('P15: facts that an instance stored and did not apply are applied by another, once', async () => {
  await it.deliver(null)
  const { url, stop } = await it.start()
  await it.behave({ by_account: { declined: 'decline' } })
  const payments = await Promise.all(Array.from({ length: 20 }, () => it.pay('declined')))
  await storeOnly(
    payments.map(({ payment_id: id }) => factOf({ ourId: id, paymentId: id, itsId: `t-${id}` })),
  )
  const answers = await Promise.all(
    payments.flatMap((payment) =>
      [it.service.url, url].map((door) => {
        const transaction = { gateway_transaction_id: `t-${payment.payment_id}` }
        return post(door, about(payment, 'approved', transaction))
      }),
    ),
  )
  for (const { status } of answers) assert.equal(status, 202)
  for (const { payment_id: id } of payments) {
    const facts = await it.settled(id, 3)
    assert.equal(facts.filter(({ state }) => state === 'APPLIED').length, 1)
  }
  for (const { payment_id: id } of payments) {
    const events = await eventually(async () => {
      const found = await it.facts(id)
      assert.ok(found.length > 0)
      return found
    })
    assert.deepEqual(
      events.map(({ event_type: type }) => type),
      ['payment.captured_late'],
    )
  }
  const { rows } = await it.db.query(`SELECT callback_id FROM callbacks WHERE state = 'RECEIVED'`)
  assert.deepEqual(rows, [], 'no callback is left over')
  await stop()
})

/** Lets a waiting fact be as old as this, and waits for its next try. */
async function retriedAfter(key: string, tries: number): Promise<void> {
  await it.db.query(
    `UPDATE callback_facts SET tries = $2, due_at = statement_timestamp()
     WHERE key = $1 AND state = 'RECEIVED'`,
    [key, tries],
  )
  await eventually(async () => {
    const { rows } = await it.db.query<{ isTried: boolean }>(
      `SELECT state <> 'RECEIVED' OR tries > $2 AS "isTried" FROM callback_facts WHERE key = $1`,
      [key, tries],
    )
    return rows[0]?.isTried
  })
}

test('P15: a reversal waits for the refund from the console that it takes back', async () => {
  await it.behave({})
  const payment = await it.pay()
  const { payment_id: paymentId } = payment
  // A refund of ours is under way until its attempt is taken back.
  const refund = refundRequested(payment, '4.00')
  const ofConsole = { kind: 'refund', paymentId, itsId: newId(), amountMinor: 100n } as const
  await it.db.query(
    `INSERT INTO psp_states (psp, state, reason) VALUES ('main', 'disabled', 'a test')`,
  )
  await it.refund([refund])
  await eventually(async () => {
    const { rowCount } = await it.db.query(
      `UPDATE operations SET attempt_number = 1, psp = 'main', step = 'await',
         due_at = statement_timestamp() + interval '1 hour'
       WHERE request_id = $1 AND step = 'send'`,
      [refund.refund_id],
    )
    return rowCount === 1
  })
  const approval = factOf(ofConsole)
  const reversal = factOf({ ...ofConsole, state: 'reversed' })
  await storeOnly([approval, reversal])
  for (const { key } of [approval, reversal]) {
    await retriedAfter(key, 20)
    assert.equal((await it.stored(key))[0]?.state, 'RECEIVED')
  }
  await it.db.query(`UPDATE psp_states SET state = 'enabled' WHERE psp = 'main'`)
  await it.db.query(
    `UPDATE operations SET attempt_number = 0, step = 'send', due_at = statement_timestamp()
     WHERE request_id = $1`,
    [refund.refund_id],
  )
  for (const { key } of [approval, reversal]) {
    await eventually(async () => {
      await it.db.query(
        `UPDATE callback_facts SET due_at = statement_timestamp()
         WHERE key = $1 AND state = 'RECEIVED'`,
        [key],
      )
      return (await it.stored(key))[0]?.state === 'APPLIED'
    })
  }
  const found = await eventually(async () => {
    const events = await it.facts(paymentId)
    return events.length > 0 && events
  })
  assert.deepEqual(
    found.map(({ event_type: type }) => type),
    ['refund.found'],
  )
})

test('P15: a reversal that found nothing is a case, and is applied once its refund is known', async () => {
  await it.behave({})
  const payment = await it.pay()
  const { payment_id: paymentId } = payment
  const ofConsole = { kind: 'refund', paymentId, itsId: newId(), amountMinor: 100n } as const
  const reversal = factOf({ ...ofConsole, state: 'reversed' })
  await storeOnly([reversal])
  await retriedAfter(reversal.key, 20)
  const [parked] = await it.settled(reversal.key)
  assert.deepEqual([parked?.state, parked?.cause], ['PARKED', 'operation_unknown'])
  const [contradicted] = await eventually(async () => {
    const events = await it.facts(paymentId)
    return events.length > 0 && events
  })
  assert.ok(contradicted?.event_type === 'psp.contradicted')
  assert.deepEqual(contradicted.subject, { type: 'payment', id: paymentId })
  await storeOnly([factOf(ofConsole)])
  const [applied] = await eventually(async () => {
    const facts = await it.stored(reversal.key)
    return facts[0]?.state === 'APPLIED' && facts
  })
  assert.equal(applied?.callback_state, 'APPLIED')
  const results = await eventually(async () => {
    const events = await it.refundResults(foundRefundIdOf('main', ofConsole.itsId))
    return events.length > 0 && events
  })
  assert.deepEqual(
    results.map(({ event_type: type }) => type as string),
    ['refund.reversed'],
  )
})

test('P15: a second report of a refund with another amount is a case', async () => {
  await it.behave({})
  const payment = await it.pay()
  const { payment_id: paymentId } = payment
  const ofConsole = { kind: 'refund', paymentId, itsId: newId() } as const
  const reports = [100n, 200n].map((amountMinor) => factOf({ ...ofConsole, amountMinor }))
  await storeOnly(reports)
  const states = await Promise.all(reports.map(async ({ key }) => (await it.settled(key))[0]))
  assert.deepEqual(
    states.map((fact) => [fact?.state, fact?.cause]),
    [
      ['APPLIED', null],
      ['CONTRADICTION', 'amount_mismatch'],
    ],
  )
})

test('P15: a second transaction of a refund that was canceled is a case', async () => {
  await it.behave({})
  const payment = await it.pay()
  const { payment_id: paymentId } = payment
  const ourId = newId()
  await it.db.query(
    `INSERT INTO operations (operation_id, kind, request_id, sequence, tenant_id, status, reason)
     VALUES ($1, 'refund', $1, 1, 'caudal', 'FAILED', 'canceled')`,
    [ourId],
  )
  const reports = [newId(), newId()].map((itsId) =>
    factOf({ kind: 'refund', ourId, paymentId, itsId, amountMinor: 100n }),
  )
  await storeOnly(reports)
  const states = await Promise.all(reports.map(async ({ key }) => (await it.settled(key))[0]))
  assert.deepEqual(
    states.map((fact) => [fact?.state, fact?.cause]),
    [
      ['APPLIED', null],
      ['CONTRADICTION', 'operation_unknown'],
    ],
  )
})

test('P15: facts that were not applied are applied again on request', async () => {
  await it.behave({ by_account: { declined: 'decline' } })
  const payment = fundsReserved('declined')
  const early = about(payment, 'failed', { reason_code: 'declined_by_bank' })
  await it.post(early)
  const [parked] = await it.settled(String(early['event_id']))
  assert.deepEqual([parked?.state, parked?.cause], ['PARKED', 'operation_unknown'])
  await it.reserve([payment])
  await it.final(payment.payment_id)
  const { rows } = await it.db.query<{ callback_id: string }>(
    'SELECT callback_id FROM callback_facts WHERE key = $1',
    [early['event_id']],
  )
  assert.equal(await reprocessCallback(it.db, rows[0]!.callback_id, () => []), true)
  const applied = await eventually(async () => {
    const [fact] = await it.settled(String(early['event_id']))
    assert.equal(fact?.state, 'NO_CHANGE')
    return fact
  })
  assert.deepEqual([applied.callback_state, applied.payment_id], ['NO_CHANGE', payment.payment_id])
  assert.equal(await reprocessCallback(it.db, newId(), () => []), false)
})

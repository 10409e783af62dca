import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { CaudalEvent } from '@caudal/contracts/catalogue.ts'
import { readEvent } from '@caudal/contracts/parse-event.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { transferIdFrom } from '../src/ledger/domain/transfer.ts'
import { move } from './client-commands.ts'
import { findViolations } from './find-violations.ts'
import { runBatch, runCommands } from './ledger-fixture.ts'
import {
  canceled,
  completed,
  failed,
  inDoubt,
  newPayment,
  requested,
  type TestPayment,
  userCreated,
} from './payment-events.ts'
import { newWallet, type TestWallet } from './test-wallet.ts'
import { eventWork } from './work.ts'
import { call, startWorld, type World } from './world.ts'

describe('payments move money', () => {
  const scope = suiteScope()
  let world: World

  before(async () => {
    world = await startWorld(scope)
  })

  async function openedWallet(balanceMinor: bigint): Promise<TestWallet> {
    const wallet = newWallet()
    await world.publish(TOPICS.users, userCreated([wallet]))
    await eventually(() => balance(wallet), { label: 'the account is open' })
    if (balanceMinor > 0n) await runCommands(world.db, move('credit', wallet, balanceMinor))
    return wallet
  }

  async function balance({ accountId }: TestWallet): Promise<[string, string] | undefined> {
    const { rows } = await world.db.query<{ available: string; held: string }>(
      'SELECT available_minor AS available, held_minor AS held FROM accounts WHERE account_id = $1',
      [accountId],
    )
    return rows[0] && [rows[0].available, rows[0].held]
  }

  function becomes(wallet: TestWallet, available: string, held: string): Promise<unknown> {
    return eventually(
      async () => assert.deepEqual(await balance(wallet), [available, held]) ?? true,
      {
        label: `the balance becomes ${available} and ${held}`,
      },
    )
  }

  /** The events of the payment, in order. */
  async function eventsOf({
    paymentId,
  }: TestPayment): Promise<{ topic: string; event: CaudalEvent }[]> {
    const { rows } = await world.db.query<{ topic: string; payload: string }>(
      `SELECT topic, payload FROM outbox WHERE payload::jsonb ->> 'payment_id' = $1
         OR payload::jsonb ->> 'reference_id' = $1 ORDER BY id`,
      [paymentId],
    )
    return rows.map(({ topic, payload }) => {
      return { topic, event: readEvent(payload) }
    })
  }

  async function held(payment: TestPayment): Promise<TestPayment> {
    await world.publish(TOPICS.paymentsRequested, requested(payment))
    const reserved = await eventually(
      async () => (await eventsOf(payment)).find((it) => it.event.event_type === 'funds.reserved'),
      { label: 'the funds are held' },
    )
    const { event } = reserved
    return {
      ...payment,
      holdId: 'wallet_transaction_id' in event ? event.wallet_transaction_id : '',
    }
  }

  async function parked(cause: RegExp) {
    const { rows } = await world.db.query<{
      kind: string
      cause: string
      resolved_at: Date | null
    }>('SELECT kind, cause, resolved_at FROM parked_records')
    return rows.find((row) => cause.test(row.cause))
  }

  test('P4: a new user gets one account per currency, once', async () => {
    const usd = newWallet()
    const jpy = newWallet({ currency: 'JPY', userId: usd.userId })
    const event = userCreated([usd, jpy])
    await world.publish(TOPICS.users, event, event)
    await becomes(jpy, '0', '0')
    await becomes(usd, '0', '0')
    const { rows } = await world.db.query('SELECT FROM accounts WHERE wallet_id = $1', [
      usd.walletId,
    ])
    assert.equal(rows.length, 2)
  })

  test('P4, P7: the funds of a completed payment are held, then committed, each with an event', async () => {
    const wallet = await openedWallet(10_000n)
    const request = requested(newPayment(wallet, 4_000n))
    const payment = { ...newPayment(wallet, 4_000n), paymentId: request.payment_id }
    await world.publish(TOPICS.paymentsRequested, request)
    await becomes(wallet, '6000', '4000')
    const [reserved, holding] = await eventsOf(payment)
    assert.equal(reserved?.topic, TOPICS.fundsReserved)
    assert.partialDeepStrictEqual(reserved?.event, {
      event_type: 'funds.reserved',
      payment_id: request.payment_id,
      external_order_id: request.external_order_id,
      idempotency_key: request.idempotency_key,
      user_id: request.user_id,
      tenant_id: request.tenant_id,
      account_id: request.account_id,
      payment_data: request.payment_data,
    })
    assert.partialDeepStrictEqual(holding?.event, {
      event_type: 'wallet.hold.committed',
      account_id: wallet.accountId,
      amount_minor: 4_000,
      available_minor: 6_000,
      held_minor: 4_000,
      account_version: 2,
    })
    const { event } = reserved
    const holdId = 'wallet_transaction_id' in event ? event.wallet_transaction_id : ''
    await world.publish(TOPICS.paymentsResults, completed({ ...payment, holdId }))
    await becomes(wallet, '6000', '0')
    const types = (await eventsOf(payment)).map((it) => it.event.event_type)
    assert.deepEqual(types, ['funds.reserved', 'wallet.hold.committed', 'wallet.commit.committed'])
  })

  test('P4: a failed payment releases the hold and emits an event with the reason', async () => {
    const wallet = await openedWallet(1_000n)
    const payment = await held(newPayment(wallet, 700n))
    await world.publish(TOPICS.paymentsResults, inDoubt(payment), failed(payment))
    await becomes(wallet, '1000', '0')
    const released = (await eventsOf(payment)).find((it) => it.topic === TOPICS.fundsReleased)
    assert.partialDeepStrictEqual(released?.event, {
      event_type: 'funds.released',
      payment_id: payment.paymentId,
      wallet_transaction_id: payment.holdId,
      amount: '7.00',
      currency: 'USD',
      reason: 'gateway_declined',
    })
  })

  test('a canceled payment releases the hold once, with its reason', async () => {
    const wallet = await openedWallet(1_000n)
    const payment = await held(newPayment(wallet, 700n))
    await world.publish(TOPICS.paymentsResults, canceled(payment), canceled(payment))
    await becomes(wallet, '1000', '0')
    // Behind the repeat, in the same partition.
    await world.publish(TOPICS.paymentsResults, canceled(await held(newPayment(wallet, 1n))))
    await becomes(wallet, '1000', '0')
    const released = (await eventsOf(payment)).filter((it) => it.topic === TOPICS.fundsReleased)
    assert.equal(released.length, 1)
    assert.partialDeepStrictEqual(released[0]?.event, {
      event_type: 'funds.released',
      payment_id: payment.paymentId,
      wallet_transaction_id: payment.holdId,
      amount: '7.00',
      reason: 'canceled',
    })
  })

  test('rule 11: a payment that is canceled before its hold is known waits for it', async () => {
    const wallet = await openedWallet(1_000n)
    const early = newPayment(wallet, 300n)
    const payment = { ...early, holdId: transferIdFrom(early.holdId) }
    await world.publish(TOPICS.paymentsResults, canceled(payment))
    const waiting = await eventually(() => parked(new RegExp(payment.paymentId)))
    assert.equal(waiting.kind, 'waiting')
    const { command, ...request } = eventWork(requested(payment))
    await runBatch(world.db, [{ ...request, command: { ...command, transferId: payment.holdId } }])
    await eventually(async () => (await parked(new RegExp(payment.paymentId)))?.resolved_at)
    await becomes(wallet, '1000', '0')
  })

  test('P9: a hold without sufficient funds is refused for ever', async () => {
    const wallet = await openedWallet(100n)
    const payment = newPayment(wallet, 101n)
    const request = requested(payment)
    await world.publish(TOPICS.paymentsRequested, request)
    const [refusal] = await eventually(async () => {
      const events = await eventsOf(payment)
      return events.length > 0 && events
    })
    assert.equal(refusal?.topic, TOPICS.paymentsResults)
    assert.partialDeepStrictEqual(refusal?.event, {
      event_type: 'funds.insufficient',
      reason: 'insufficient_funds',
      payment_data: request.payment_data,
    })
    await runCommands(world.db, move('credit', wallet, 900n))
    const next = newPayment(wallet, 10n)
    await world.publish(TOPICS.paymentsRequested, request, requested(next))
    await becomes(wallet, '990', '10')
    assert.equal((await eventsOf(payment)).length, 1)
  })

  test('a payment of a user without a wallet is refused with account_not_found', async () => {
    const payment = newPayment(newWallet(), 10n)
    await world.publish(TOPICS.paymentsRequested, requested(payment))
    const events = await eventually(async () => {
      const all = await eventsOf(payment)
      return all.length > 0 && all
    })
    assert.equal('reason' in events[0]!.event && events[0]!.event.reason, 'account_not_found')
  })

  test('F4: duplicates of every event change nothing', async () => {
    const wallet = await openedWallet(1_000n)
    const payment = await held(newPayment(wallet, 100n))
    const [again, end] = [requested(payment), completed(payment)]
    await world.publish(TOPICS.paymentsRequested, again, again)
    await world.publish(TOPICS.paymentsResults, end, end, end)
    await becomes(wallet, '900', '0')
    const last = await held(newPayment(wallet, 1n))
    assert.ok(last.holdId)
    await becomes(wallet, '899', '1')
  })

  test('rule 11: a result before its hold is parked, and applied when the hold is there', async () => {
    const wallet = await openedWallet(1_000n)
    const early = newPayment(wallet, 300n)
    const payment = { ...early, holdId: transferIdFrom(early.holdId) }
    await world.publish(TOPICS.paymentsResults, completed(payment))
    const waiting = await eventually(() => parked(new RegExp(payment.paymentId)))
    assert.equal(waiting.kind, 'waiting')
    assert.match(waiting.cause, /payment\.completed of payment .*: the payment has no hold yet/)
    const { command, ...request } = eventWork(requested(payment))
    await runBatch(world.db, [{ ...request, command: { ...command, transferId: payment.holdId } }])
    await becomes(wallet, '700', '0')
    await eventually(async () => (await parked(new RegExp(payment.paymentId)))?.resolved_at)
  })

  test('rule 11: a contradicting result is parked with its cause and counted, and blocks no other', async () => {
    const wallet = await openedWallet(1_000n)
    const payment = await held(newPayment(wallet, 300n))
    await world.publish(TOPICS.paymentsResults, failed(payment))
    await becomes(wallet, '1000', '0')
    await world.publish(TOPICS.paymentsResults, completed(payment))
    const contradiction = await eventually(() =>
      parked(/asks for a commit, but the hold is released/),
    )
    assert.equal(contradiction.kind, 'unprocessable')
    assert.match(contradiction.cause, new RegExp(payment.paymentId))
    const other = await openedWallet(50n)
    await held(newPayment(other, 50n))
    await becomes(wallet, '1000', '0')
    const metrics = await call(world, '/metrics')
    assert.match(metrics.text, /^ledger_contradictions_total\{[^}]*\} [1-9]/m)
    const ready = await call(world, '/readyz')
    assert.equal(ready.json['status'], 'degraded')
  })

  test('rule 11: a parked result keeps no result of another payment of its account waiting', async () => {
    const wallet = await openedWallet(1_000n)
    const contradicted = await held(newPayment(wallet, 300n))
    await world.publish(TOPICS.paymentsResults, failed(contradicted))
    await becomes(wallet, '1000', '0')
    const other = await held(newPayment(wallet, 200n))
    await world.publish(TOPICS.paymentsResults, completed(contradicted), completed(other))
    await becomes(wallet, '800', '0')
    await eventually(() => parked(new RegExp(contradicted.paymentId)))
  })

  test('rule 11: a payment waits behind a parked earlier one of its account, in their order', async () => {
    const wallet = await openedWallet(1_000n)
    const nothing = requested(newPayment(wallet, 10n))
    nothing.payment_data = { ...nothing.payment_data, amount: '0.00' }
    const [second, other] = [newPayment(wallet, 700n), await openedWallet(10n)]
    await world.publish(TOPICS.paymentsRequested, nothing, requested(second))
    await held(newPayment(other, 10n))
    const { rows } = await eventually(async () => {
      const found = await world.db.query<{ kind: string; order_key: string }>(
        'SELECT kind, order_key FROM parked_records WHERE record_key = $1 ORDER BY record_offset',
        [wallet.accountId],
      )
      return found.rows.length === 2 && found
    })
    assert.deepEqual(rows, [
      { kind: 'unprocessable', order_key: wallet.accountId },
      { kind: 'waiting', order_key: wallet.accountId },
    ])
  })

  test('an event over nothing, or of accounts that are not its user’s, is parked', async () => {
    const wallet = await openedWallet(1_000n)
    const nothing = requested(newPayment(wallet, 10n))
    nothing.payment_data = { ...nothing.payment_data, amount: '0.00' }
    await world.publish(TOPICS.paymentsRequested, nothing)
    await eventually(() => parked(/payment\.requested: the amount is zero/))
    const thief = { ...userCreated([newWallet()]), wallet_id: wallet.walletId }
    await world.publish(TOPICS.users, thief)
    await eventually(() => parked(/is not the wallet of user/))
  })

  test('P4: reserved, insufficient and confirmed payments are counted', async () => {
    const { text } = await call(world, '/metrics')
    for (const name of [
      'funds_reserved_total',
      'funds_insufficient_total',
      'debits_confirmed_total',
    ]) {
      assert.match(text, new RegExp(`^${name}\\{[^}]*service="wallets"[^}]*\\} [1-9]`, 'm'))
    }
    assert.match(text, /^ledger_transfers_total\{[^}]*kind="rollback"[^}]*\} [1-9]/m)
  })

  test('P11: the steps of a payment show its hold and its commit', async () => {
    const wallet = await openedWallet(1_000n)
    const payment = await held(newPayment(wallet, 300n))
    await world.publish(TOPICS.paymentsResults, completed(payment))
    await becomes(wallet, '700', '0')
    const token = await world.clientToken('trace:read')
    const steps = `/internal/payments/${payment.paymentId}/steps`
    const { status, json } = await call(world, steps, { token })
    assert.equal(status, 200)
    assert.partialDeepStrictEqual(json['steps'], [
      { step: 'funds.held' },
      { step: 'funds.committed', detail: '3.00 USD to PSP settlement' },
    ])
    assert.equal((await call(world, steps, { token: await world.clientToken('a:b') })).status, 403)
    const foreign = await world.clientToken('trace:read', 'tester', 'other')
    assert.deepEqual((await call(world, steps, { token: foreign })).json, { steps: [] })
    const unknown = `/internal/payments/${newPayment(wallet, 1n).paymentId}/steps`
    assert.deepEqual((await call(world, unknown, { token })).json, { steps: [] })
  })

  test('P9: reading the whole log once more changes nothing', async () => {
    const snapshot = async () => {
      const accounts = await world.db.query('SELECT * FROM accounts ORDER BY account_id')
      const holds = await world.db.query('SELECT * FROM holds ORDER BY hold_id')
      const counts = await world.db.query(
        'SELECT (SELECT count(*) FROM entries) AS entries, (SELECT count(*) FROM outbox) AS events',
      )
      return { accounts: accounts.rows, holds: holds.rows, counts: counts.rows }
    }
    const before = await snapshot()
    await world.service.stop()
    const ends = await world.db.query<{ at: bigint }>(
      'SELECT sum(next_offset)::bigint AS at FROM consumer_offsets',
    )
    await world.db.query('UPDATE consumer_offsets SET next_offset = 0')
    await world.restart()
    await eventually(async () => {
      const { rows } = await world.db.query<{ at: bigint }>(
        'SELECT sum(next_offset)::bigint AS at FROM consumer_offsets',
      )
      return rows[0]!.at >= ends.rows[0]!.at
    })
    assert.deepEqual(await snapshot(), before)
    assert.deepEqual(await findViolations(world.db), [])
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { close, move } from '../../../test/client-commands.ts'
import { memoryLedger } from '../../../test/memory-ledger.ts'
import { completed, failed, newPayment, requested } from '../../../test/payment-events.ts'
import { newWallet } from '../../../test/test-wallet.ts'
import { eventWork } from '../../../test/work.ts'
import { type Account, type AccountStatus, MAX_BALANCE_MINOR } from './account.ts'
import type { Command } from './command.ts'
import type { Conditions } from './conditions.ts'
import { decide } from './decide.ts'
import { fold } from './fold.ts'
import type { Outcome, Refused } from './outcome.ts'

const TODAY = '2025-08-24'
const AT: Conditions = { nowMs: Date.parse(TODAY), today: TODAY, slot: 0 }
const wallet = newWallet()
const yen = newWallet({ currency: 'JPY', userId: wallet.userId })

/** Reads as a story: what had happened, what is asked, what comes of it. */
function given(...past: readonly Command[]) {
  const state = memoryLedger([wallet, yen])
  for (const command of past) fold(state, command, decide(command, state, AT))
  const account = () => state.accounts.get(wallet.accountId)!
  const alter = (change: Partial<Account>) => {
    state.accounts.set(wallet.accountId, { ...account(), ...change })
  }
  return {
    alter,
    and(status: AccountStatus) {
      alter({ status })
      return this
    },
    when(command: Command) {
      const outcome = decide(command, state, AT)
      fold(state, command, outcome)
      return {
        outcome,
        then(expected: Partial<Outcome>) {
          assert.partialDeepStrictEqual(outcome, expected)
          return this
        },
        leaves(availableMinor: bigint, heldMinor: bigint) {
          const { availableMinor: available, heldMinor: held } = account()
          assert.deepEqual([available, held], [availableMinor, heldMinor])
        },
      }
    },
  }
}

const credit = (amount: bigint, key?: string) =>
  move('credit', wallet, amount, { ...(key && { key }) })
const payment = { ...newPayment(wallet, 100n) }
const ask = eventWork(requested(payment)).command
payment.holdId = ask.transferId
const complete = eventWork(completed(payment)).command
const fail = eventWork(failed(payment)).command

test('P4: a hold moves money from available to held', () => {
  given(credit(250n)).when(ask).then({ type: 'posted' }).leaves(150n, 100n)
})

test('P4: a hold of the whole balance is possible, one larger than it is refused', () => {
  given(credit(100n)).when(ask).then({ type: 'posted' }).leaves(0n, 100n)
  given(credit(99n)).when(ask).then({ type: 'refused', code: 'INSUFFICIENT_FUNDS' }).leaves(99n, 0n)
})

test('rule 4: a payment that was refused stays refused when money arrives', () => {
  given(ask, credit(500n)).when(ask).then({ type: 'unchanged' }).leaves(500n, 0n)
})

test('rule 4: a payment is held once, and the same request again changes nothing', () => {
  given(credit(500n), ask).when(ask).then({ type: 'unchanged' }).leaves(400n, 100n)
})

test('a second request of a payment over another amount contradicts the first', () => {
  const other = eventWork(requested({ ...payment, amountMinor: 101n })).command
  given(credit(500n), ask)
    .when(other)
    .then({ type: 'inapplicable', kind: 'contradiction' })
    .leaves(400n, 100n)
})

test('a payment of an unknown account, or of another tenant, is refused', () => {
  const unknown = newPayment(newWallet(), 100n)
  given(credit(500n))
    .when(eventWork(requested(unknown)).command)
    .then({ type: 'refused', code: 'ACCOUNT_NOT_FOUND' })
  given(credit(500n))
    .when({ ...ask, tenantId: 'another' })
    .then({ type: 'refused', code: 'ACCOUNT_NOT_FOUND' })
    .leaves(500n, 0n)
})

test('a payment in another currency than its account is refused', () => {
  const other = eventWork(requested({ ...payment, wallet: { ...wallet, currency: 'EUR' } })).command
  given(credit(500n)).when(other).then({ type: 'refused', code: 'CURRENCY_MISMATCH' })
})

test('a frozen account pays nothing, but what is held is still committed', () => {
  given(credit(500n)).and('frozen').when(ask).then({ type: 'refused', code: 'ACCOUNT_FROZEN' })
  given(credit(500n), ask).and('frozen').when(complete).then({ type: 'posted' }).leaves(400n, 0n)
})

test('P4: a completed payment takes the held money to PSP settlement', () => {
  given(credit(500n), ask)
    .when(complete)
    .then({ type: 'posted', hold: { ...holdOf('committed'), remainingMinor: 0n } })
    .leaves(400n, 0n)
})

test('P4: a failed payment makes the held money available again', () => {
  given(credit(500n), ask).when(fail).then({ type: 'posted' }).leaves(500n, 0n)
})

test('F4: a repeated result changes nothing', () => {
  given(credit(500n), ask, complete).when(complete).then({ type: 'unchanged' }).leaves(400n, 0n)
  given(credit(500n), ask, fail).when(fail).then({ type: 'unchanged' }).leaves(500n, 0n)
})

test('F4: a result that contradicts an earlier one changes nothing and names the cause', () => {
  const contradiction = { type: 'inapplicable', kind: 'contradiction' } as const
  given(credit(500n), ask, fail)
    .when(complete)
    .then({ ...contradiction, cause: 'the result asks for a commit, but the hold is released' })
    .leaves(500n, 0n)
  given(credit(500n), ask, complete).when(fail).then(contradiction).leaves(400n, 0n)
  given(ask, credit(500n)).when(complete).then(contradiction).leaves(500n, 0n)
})

test('F4: a result without its hold waits for it', () => {
  given(credit(500n)).when(complete).then({ type: 'inapplicable', kind: 'waiting' })
})

test('a result with another hold, amount or account than the payment has is a contradiction', () => {
  const wrong = [
    { ...payment, holdId: payment.paymentId },
    { ...payment, amountMinor: 99n },
    { ...payment, wallet: yen },
  ]
  for (const it of wrong) {
    given(credit(500n), ask)
      .when(eventWork(completed(it)).command)
      .then({ type: 'inapplicable', kind: 'contradiction' })
      .leaves(400n, 100n)
  }
})

test('F1: a debit takes what is available, never what is held', () => {
  given(credit(500n), ask)
    .when(move('debit', wallet, 400n))
    .then({ type: 'posted' })
    .leaves(0n, 100n)
  given(credit(500n), ask)
    .when(move('debit', wallet, 401n))
    .then({ type: 'refused', code: 'INSUFFICIENT_FUNDS' })
    .leaves(400n, 100n)
})

test('F2: a key repeats its answer, and refuses another request', () => {
  const first = move('credit', wallet, 5n, { key: 'one' })
  given(first).when(first).then({ type: 'repeated' }).leaves(5n, 0n)
  given(first)
    .when(move('credit', wallet, 6n, { key: 'one' }))
    .then({ type: 'refused', code: 'IDEMPOTENCY_MISMATCH' })
    .leaves(5n, 0n)
})

test('F2: equal keys of different clients or tenants are independent', () => {
  const first = move('credit', wallet, 5n, { key: 'one', reference: 'a' })
  const second = move('credit', wallet, 6n, { key: 'one', reference: 'b' })
  given(first)
    .when({ ...second, key: { ...second.key, clientId: 'another' } })
    .then({ type: 'posted' })
    .leaves(11n, 0n)
})

test('F2: a refusal binds its key, so a late duplicate moves no money', () => {
  const debit = move('debit', wallet, 50n)
  given(debit, credit(500n)).when(debit).then({ type: 'repeated' }).leaves(500n, 0n)
})

test('F2: an unknown account does not bind the key', () => {
  const early = move('credit', newWallet(), 50n, { key: 'one' })
  given(early)
    .when(move('credit', wallet, 50n, { key: 'one' }))
    .then({ type: 'posted' })
})

test('a reference is used once per kind, whatever the key', () => {
  const reference = 'po_001'
  const first = move('credit', wallet, 50n, { reference })
  given(first)
    .when(move('credit', wallet, 50n, { reference }))
    .then({ type: 'refused', code: 'REFERENCE_ALREADY_USED' })
    .leaves(50n, 0n)
  given(first)
    .when(move('debit', wallet, 50n, { reference }))
    .then({ type: 'posted' })
})

test('a refused command does not use up its reference', () => {
  const reference = 'po_001'
  given(move('debit', wallet, 50n, { reference }), credit(60n))
    .when(move('debit', wallet, 50n, { reference }))
    .then({ type: 'posted' })
})

test('amounts are exact to 2^63-1, and a balance beyond it is refused', () => {
  const all = MAX_BALANCE_MINOR
  given().when(credit(all)).then({ type: 'posted' }).leaves(all, 0n)
  given(credit(all)).when(credit(1n)).then({ type: 'refused', code: 'BALANCE_LIMIT_EXCEEDED' })
  given(credit(all), move('hold', wallet, all))
    .when(credit(1n))
    .then({ type: 'refused', code: 'BALANCE_LIMIT_EXCEEDED' })
    .leaves(0n, all)
})

test('the held balance never exceeds 2^63-1, for any overdraft limit', () => {
  const all = MAX_BALANCE_MINOR
  const overdrawn = () => {
    const story = given()
    story.alter({ overdraftLimitMinor: all })
    for (const command of [move('hold', wallet, all), credit(all)]) {
      story.when(command).then({ type: 'posted' })
    }
    return story
  }
  for (const command of [move('hold', wallet, 1n), move('hold', wallet, all), credit(1n)]) {
    overdrawn()
      .when(command)
      .then({ type: 'refused', code: 'BALANCE_LIMIT_EXCEEDED' })
      .leaves(0n, all)
  }
  const { hold } = overdrawn().when(ask).then({ type: 'refused' }).outcome as Refused
  assert.equal(hold?.refusedFor, 'insufficient_funds')
})

test('F1: a client commits a hold in parts and releases the rest', () => {
  const hold = move('hold', wallet, 100n)
  const part = close('commit', wallet, hold.transferId, 30n)
  given(credit(100n), hold).when(part).then({ type: 'posted' }).leaves(0n, 70n)
  given(credit(100n), hold, part)
    .when(close('rollback', wallet, hold.transferId))
    .then({ type: 'posted' })
    .leaves(70n, 0n)
  given(credit(100n), hold, part)
    .when(close('commit', wallet, hold.transferId, 71n))
    .then({ type: 'refused', code: 'INSUFFICIENT_FUNDS' })
    .leaves(0n, 70n)
})

test('a closed, unknown or foreign hold is not open', () => {
  const hold = move('hold', wallet, 100n)
  const closed = close('commit', wallet, hold.transferId)
  const refusal = { type: 'refused', code: 'HOLD_NOT_OPEN' } as const
  given(credit(100n), hold, closed)
    .when(close('rollback', wallet, hold.transferId))
    .then(refusal)
  given(credit(100n))
    .when(close('commit', wallet, hold.transferId))
    .then(refusal)
  given(credit(100n), hold)
    .when(close('commit', yen, hold.transferId))
    .then(refusal)
})

test('rule 10: only the result of a payment ends its hold, not a client', () => {
  for (const name of [payment.holdId, payment.paymentId]) {
    given(credit(500n), ask)
      .when(close('rollback', wallet, name))
      .then({ type: 'refused', code: 'HOLD_NOT_OPEN' })
      .leaves(400n, 100n)
  }
})

test('E4: a transfer has the day of its booking as value date unless another is given', () => {
  given()
    .when(credit(1n))
    .then({ transfer: valueDate(TODAY) } as Partial<Outcome>)
  given()
    .when({ ...credit(1n), valueDate: '2025-08-01' })
    .then({ transfer: valueDate('2025-08-01') } as Partial<Outcome>)
})

function valueDate(day: string) {
  return { valueDate: day }
}

function holdOf(status: 'committed') {
  const { paymentId, holdId } = payment
  return {
    holdId,
    paymentId,
    clientId: null,
    accountId: wallet.accountId,
    tenantId: wallet.tenantId,
    currency: 'USD',
    amountMinor: 100n,
    status,
    refusedFor: null,
    expiresAtMs: null,
  }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atomic, close, move, transfer } from '../../../test/client-commands.ts'
import { memoryLedger } from '../../../test/memory-ledger.ts'
import { newWallet } from '../../../test/test-wallet.ts'
import { bookingTimeOf } from './booking-time.ts'
import type { Command, MoneyCommand, Request } from './command.ts'
import { decideBatch } from './decide-batch.ts'
import type { ClientPolicy } from './policy.ts'

const wallet = newWallet()
const other = newWallet()
const yen = newWallet({ currency: 'JPY' })

const POLICY: ClientPolicy = {
  version: 'v1',
  accountKinds: new Set(['wallet']),
  currencies: new Map([['USD', { perTransferMinor: 60n, perDayMinor: 100n }]]),
}

function under<C extends MoneyCommand>(command: C, policy = POLICY): C {
  return { ...command, policy }
}

/** What became of each request; each is decided on its day. */
function decideOn(requests: readonly [day: string, request: Request][]): string[] {
  const state = memoryLedger([wallet, other, yen])
  const funds: Command[] = [move('credit', wallet, 10_000n), move('credit', yen, 10_000n)]
  decideBatch(state, funds, bookingTimeOf(new Date('2026-01-01')))
  return requests.map(([day, request]) => {
    const { outcomes } = decideBatch(state, [request], bookingTimeOf(new Date(day)))
    const [outcome] = outcomes
    return outcome && 'code' in outcome ? outcome.code : outcome!.type
  })
}

const DAY = '2026-03-01'
const debit = (amount: bigint) => under(move('debit', wallet, amount))

test('a policy names the kinds of accounts and the currencies that a client moves', () => {
  const toFees = transfer([
    [wallet, -5n],
    [['fees', 'USD'], 5n],
  ])
  const inYen = move('debit', yen, 5n)
  const allowed = transfer([
    [wallet, -5n],
    [other, 5n],
  ])
  const commands = [toFees, inYen, allowed].map((it) => [DAY, under(it)] as [string, Request])
  const refused = 'NOT_ALLOWED_BY_POLICY'
  assert.deepEqual(decideOn(commands), [refused, refused, 'posted'])
})

test('the other side of a debit is not the choice of the client', () => {
  assert.deepEqual(decideOn([[DAY, debit(5n)]]), ['posted'])
})

test('a transfer moves at most the maximum, in all its postings of a currency together', () => {
  const split = under(
    transfer([
      [wallet, -61n],
      [other, 61n],
    ]),
  )
  const results = decideOn([
    [DAY, debit(60n)],
    [DAY, debit(61n)],
    [DAY, split],
  ])
  assert.deepEqual(results, ['posted', 'TRANSFER_LIMIT_EXCEEDED', 'TRANSFER_LIMIT_EXCEEDED'])
})

test('the day of the maximum is the day of booking in UTC', () => {
  const results = decideOn([
    ['2026-03-01T00:00:00Z', debit(60n)],
    ['2026-03-01T23:59:59.999Z', debit(41n)],
    ['2026-03-01T23:59:59.999Z', debit(40n)],
    ['2026-03-02T00:00:00Z', debit(41n)],
    // A clock that goes back does not begin the day before again.
    ['2026-03-01T23:59:59Z', debit(60n)],
  ])
  const exceeded = 'DAILY_LIMIT_EXCEEDED'
  assert.deepEqual(results, ['posted', exceeded, 'posted', 'posted', exceeded])
})

test('what is set aside counts once, when it is held', () => {
  const hold = under(move('hold', wallet, 60n))
  const results = decideOn([
    [DAY, hold],
    [DAY, under(close('commit', wallet, hold.transferId, 50n))],
    [DAY, under(close('rollback', wallet, hold.transferId))],
    [DAY, debit(41n)],
    [DAY, debit(40n)],
  ])
  assert.deepEqual(results, ['posted', 'posted', 'posted', 'DAILY_LIMIT_EXCEEDED', 'posted'])
})

test('an atomic batch that was not applied has spent nothing', () => {
  const results = decideOn([
    [DAY, atomic([debit(60n), debit(41n)])],
    [DAY, atomic([debit(60n), debit(40n)])],
  ])
  assert.deepEqual(results, ['DAILY_LIMIT_EXCEEDED', 'applied'])
})

test('a transfer has the version of the policy that permitted it', () => {
  const state = memoryLedger([wallet])
  const credits = [under(move('credit', wallet, 5n)), move('credit', wallet, 5n)]
  const { transfers, spending } = decideBatch(state, credits, bookingTimeOf(new Date(DAY)))
  assert.deepEqual(
    transfers.map((it) => it.policyVersion),
    ['v1', null],
  )
  assert.deepEqual(
    spending.map(({ currency, day, spentMinor }) => [currency, day, spentMinor]),
    [['USD', DAY, 5n]],
  )
})

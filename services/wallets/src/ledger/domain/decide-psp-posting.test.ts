import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PostingEnd, PostingRequested } from '@caudal/contracts/events/postings.ts'
import fc from 'fast-check'
import { change, move } from '../../../test/client-commands.ts'
import { brokenInvariants, memoryLedger } from '../../../test/memory-ledger.ts'
import { newPosting, pspPostingWork, somePostings } from '../../../test/psp-postings.ts'
import { newWallet, type TestWallet } from '../../../test/test-wallet.ts'
import type { BookingTime } from './booking-time.ts'
import type { Request } from './command.ts'
import { decideBatch } from './decide-batch.ts'
import type { LedgerState } from './ledger-state.ts'
import type { RequestOutcome } from './outcome.ts'
import type { Transfer } from './transfer.ts'

const AT: BookingTime = { nowMs: Date.parse('2025-08-24'), today: '2025-08-24' }

function run(state: LedgerState, requests: readonly Request[]): RequestOutcome[] {
  return decideBatch(state, requests, AT).outcomes
}

function commandOf(posting: PostingRequested): Request {
  return pspPostingWork(posting).command
}

/** The one transfer that a posting makes. */
function booked(state: LedgerState, posting: PostingRequested): Transfer {
  const [outcome] = run(state, [commandOf(posting)])
  assert(outcome?.type === 'posted', outcome?.type)
  return outcome.transfer
}

function endOf(state: LedgerState, posting: PostingRequested): PostingEnd | undefined {
  return booked(state, posting).pspPosting?.end
}

function available(state: LedgerState, { accountId }: TestWallet): bigint {
  return state.accounts.get(accountId)!.availableMinor
}

/** What the ledger has at the other end of wallets, by the kind of account. */
function systemSums(state: LedgerState): Record<string, bigint> {
  const sums: Record<string, bigint> = {}
  for (const { kind, psp, availableMinor } of state.accounts.values()) {
    if (kind === 'wallet' || availableMinor === 0n) continue
    const name = psp === null ? kind : `${kind}/${psp}`
    sums[name] = (sums[name] ?? 0n) + availableMinor
  }
  return sums
}

test('what a bank kept of a return is borne by the fees account, and the wallet is whole', () => {
  const wallet = newWallet()
  const state = memoryLedger([wallet])
  const posting = newPosting('return', wallet, 40n, { psp: 'other', charges: '0.03' })
  const transfer = booked(state, posting)
  assert.equal(available(state, wallet), 40n)
  assert.deepEqual(systemSums(state), { 'psp_settlement/other': -37n, fees: -3n })
  assert.equal(transfer.amountMinor, 40n)
  assert.deepEqual(
    transfer.entries.map((entry) => entry.amountMinor),
    [-37n, 40n, -3n],
  )
  assert.equal(run(state, [commandOf(posting)])[0]?.type, 'unchanged')
  const other = newPosting('return', wallet, 41n, { ...posting, charges: '0.03' })
  assert.equal(run(state, [commandOf({ ...other, amount: '0.41' })])[0]?.type, 'inapplicable')
})

test('where the wallet cannot take a return only what came back is booked', () => {
  const state = memoryLedger([newWallet()])
  const posting = newPosting('return', newWallet(), 40n, { charges: '0.03' })
  const transfer = booked(state, posting)
  assert.equal(transfer.amountMinor, 37n)
  assert.deepEqual(systemSums(state), { psp_settlement: -37n, suspense: 37n })
  assert.equal(run(state, [commandOf(posting)])[0]?.type, 'unchanged')
})

test('charges of all the amount, or of a refund, are no posting', () => {
  const wallet = newWallet()
  for (const posting of [
    newPosting('return', wallet, 40n, { charges: '0.40' }),
    newPosting('refund', wallet, 40n, { charges: '0.03' }),
  ]) {
    assert.throws(() => commandOf(posting), /charges of/)
  }
})

test('a refund and a return are taken from PSP settlement to the wallet', () => {
  for (const kind of ['refund', 'return'] as const) {
    const wallet = newWallet()
    const state = memoryLedger([wallet])
    const posting = newPosting(kind, wallet, 40n, { psp: 'other' })
    const transfer = booked(state, posting)
    assert.equal(available(state, wallet), 40n)
    assert.deepEqual(systemSums(state), { 'psp_settlement/other': -40n })
    assert.partialDeepStrictEqual(transfer, {
      kind,
      accountId: wallet.accountId,
      amountMinor: 40n,
      paymentId: posting.payment_id,
      referenceId: posting.source.id,
      idempotencyKey: `${kind}:${posting.posting_id}`,
      clientId: null,
    })
  }
})

test('a recapture takes the money from the wallet to PSP settlement', () => {
  const wallet = newWallet()
  const state = memoryLedger([wallet])
  run(state, [move('credit', wallet, 100n)])
  assert.equal(endOf(state, newPosting('recapture', wallet, 100n)), 'wallet')
  assert.deepEqual(systemSums(state), { deposits_clearing: -100n, psp_settlement: 100n })
})

test('money for a frozen, closed, unknown or foreign account is in suspense', () => {
  const [frozen, closed, unknown, foreign] = [newWallet(), newWallet(), newWallet(), newWallet()]
  const state = memoryLedger([frozen, closed, foreign, newWallet({ tenantId: 'other' })])
  run(state, [change('freeze', frozen), change('close', closed)])
  const tenantId = 'other'
  const postings = [frozen, closed, unknown, { ...foreign, tenantId }].map((wallet) =>
    newPosting('refund', wallet, 7n),
  )
  assert.deepEqual(
    postings.map((posting) => endOf(state, posting)),
    ['suspense', 'suspense', 'suspense', 'suspense'],
  )
  assert.deepEqual(systemSums(state), { suspense: 28n, psp_settlement: -28n })
})

test('money in another currency than the account is in suspense', () => {
  const [usd, jpy] = [newWallet(), newWallet({ currency: 'JPY' })]
  const state = memoryLedger([usd, jpy])
  const posting = newPosting('return', { ...jpy, accountId: usd.accountId }, 7n)
  assert.equal(endOf(state, posting), 'suspense')
  assert.equal(available(state, usd), 0n)
})

test('money beyond the largest balance is in suspense', () => {
  const wallet = newWallet()
  const state = memoryLedger([wallet])
  run(state, [move('credit', wallet, 2n ** 63n - 1n)])
  assert.equal(endOf(state, newPosting('refund', wallet, 1n)), 'suspense')
})

test('a recapture that a wallet cannot cover is receivable, and the wallet keeps its money', () => {
  const [poor, frozen] = [newWallet(), newWallet()]
  const state = memoryLedger([poor, frozen])
  run(state, [move('credit', poor, 99n), move('credit', frozen, 500n), change('freeze', frozen)])
  assert.equal(endOf(state, newPosting('recapture', poor, 100n)), 'receivable')
  assert.equal(endOf(state, newPosting('recapture', frozen, 100n)), 'receivable')
  assert.deepEqual([available(state, poor), available(state, frozen)], [99n, 500n])
  const { receivable } = systemSums(state)
  assert.equal(receivable, -200n)
})

test('a recapture takes what is available, never what is held', () => {
  const wallet = newWallet()
  const state = memoryLedger([wallet])
  run(state, [move('credit', wallet, 100n), move('hold', wallet, 60n)])
  assert.equal(endOf(state, newPosting('recapture', wallet, 41n)), 'receivable')
  assert.equal(endOf(state, newPosting('recapture', wallet, 40n)), 'wallet')
})

test('a recapture uses an overdraft up to its limit', () => {
  const wallet = newWallet()
  const state = memoryLedger([wallet])
  run(state, [change({ overdraft: 50n }, wallet)])
  assert.equal(endOf(state, newPosting('recapture', wallet, 51n)), 'receivable')
  assert.equal(endOf(state, newPosting('recapture', wallet, 50n)), 'wallet')
  assert.equal(endOf(state, newPosting('recapture', wallet, 1n)), 'receivable')
})

test('money that is wanted in suspense never touches the wallet', () => {
  const wallet = newWallet()
  const state = memoryLedger([wallet])
  run(state, [move('credit', wallet, 100n)])
  const end = 'suspense'
  assert.equal(endOf(state, newPosting('return', wallet, 30n, { end })), end)
  assert.equal(endOf(state, newPosting('recapture', wallet, 90n, { end })), end)
  assert.equal(available(state, wallet), 100n)
  // Suspense may be below zero: money left that no wallet was charged.
  assert.equal(systemSums(state)['suspense'], -60n)
})

test('rule 4: a posting is booked once, also where its end could take part later', () => {
  const wallet = newWallet()
  const state = memoryLedger([wallet])
  run(state, [change('freeze', wallet)])
  const posting = newPosting('refund', wallet, 7n)
  assert.equal(endOf(state, posting), 'suspense')
  run(state, [change('unfreeze', wallet)])
  const types = run(state, [commandOf(posting), commandOf(posting)]).map((it) => it.type)
  assert.deepEqual(types, ['unchanged', 'unchanged'])
  assert.equal(available(state, wallet), 0n)
})

test('rule 11: the same posting with other contents is a contradiction, whatever differs', () => {
  const [wallet, other] = [newWallet(), newWallet()]
  const state = memoryLedger([wallet, other])
  const posting = newPosting('refund', wallet, 700n)
  booked(state, posting)
  const id = newPosting('refund', other, 1n)
  const changes: Partial<PostingRequested>[] = [
    { amount: '7.01' },
    { currency: 'EUR' },
    { kind: 'return' },
    { psp: 'other' },
    { source: { type: 'return', id: posting.source.id } },
    { source: { type: 'refund', id: id.source.id } },
    { payment_id: id.posting_id },
    { account_id: other.accountId },
    { end: 'suspense' },
    { otherwise: 'receivable' },
  ]
  for (const changed of changes) {
    const [outcome] = run(state, [commandOf({ ...posting, ...changed })])
    const shown = JSON.stringify(changed)
    assert(outcome?.type === 'inapplicable', shown)
    assert.equal(outcome.kind, 'contradiction', shown)
    assert.match(outcome.cause, /^the posting is booked as a refund of 700 USD with the PSP main/)
  }
  assert.equal(available(state, wallet), 700n)
})

test('equal postings of two tenants are independent', () => {
  const [one, two] = [newWallet(), newWallet({ tenantId: 'other' })]
  const state = memoryLedger([one, two])
  const posting = newPosting('refund', one, 7n)
  const { tenantId: tenant_id, accountId: account_id } = two
  assert.equal(endOf(state, posting), 'wallet')
  assert.equal(endOf(state, { ...posting, tenant_id, account_id }), 'wallet')
})

const COUNT = 15
const delivered = fc.array(fc.nat(COUNT - 1), { minLength: 1, maxLength: 60, size: 'max' })

test('F1, F4: postings in any order and repetition are booked once, and the sum is zero', () => {
  const limits = fc.array(fc.constantFrom(0n, 30n, 1_000n), { minLength: 2, maxLength: 2 })
  fc.assert(
    fc.property(delivered, limits, (order, overdrafts) => {
      const wallets = [newWallet(), newWallet({ currency: 'JPY' })]
      const state = memoryLedger(wallets)
      run(
        state,
        wallets.map((wallet, index) => change({ overdraft: overdrafts[index]! }, wallet)),
      )
      const ids = Array.from({ length: COUNT * 4 }, () => newPosting('refund', wallets[0]!, 1n))
      const postings = somePostings([...wallets, newWallet()], COUNT, (of, index) => {
        return ids['xps'.indexOf(of) * COUNT + index]!.posting_id
      })
      const decided = decideBatch(
        state,
        order.map((index) => commandOf(postings[index]!)),
        AT,
      )
      const distinct = [...new Set(order)].map((index) => postings[index]!)
      const transferred = decided.transfers.map(({ pspPosting }) => pspPosting!.postingId)
      assert.deepEqual(new Set(transferred), new Set(distinct.map(({ posting_id }) => posting_id)))
      assert.equal(transferred.length, distinct.length)
      // Sums to zero, entries and balances agree, no wallet is below its overdraft.
      assert.deepEqual(brokenInvariants(state, decided.transfers), [])
      // What each PSP owes depends on the postings alone, not on their order or their ends.
      const found = systemSums(state)
      for (const psp of ['main', 'other']) {
        const owed = distinct
          .filter((it) => it.psp === psp)
          .map((it) => commandOf(it) as { amountMinor: bigint; kind: string })
          .reduce((sum, it) => sum + (it.kind === 'recapture' ? 1n : -1n) * it.amountMinor, 0n)
        const name = psp === 'main' ? 'psp_settlement' : 'psp_settlement/other'
        assert.equal(found[name] ?? 0n, owed)
      }
    }),
    { numRuns: 200 },
  )
})

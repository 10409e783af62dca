import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { brokenInvariants, memoryLedger } from '../../test/memory-ledger.ts'
import { batchesOf, newWorld, type Script, script, workOf } from '../../test/scripts.ts'
import type { Command } from './command.ts'
import { decideBatch } from './decide-batch.ts'
import { decide } from './decide.ts'
import type { LedgerState } from './ledger-state.ts'
import type { Moment } from './moment.ts'
import type { RequestOutcome } from './outcome.ts'
import type { Transfer } from './transfer.ts'

const AT: Moment = { nowMs: Date.parse('2025-08-24'), today: '2025-08-24' }

interface Run {
  state: LedgerState
  outcomes: RequestOutcome[]
  transfers: Transfer[]
}

function runBatches(state: LedgerState, batches: readonly Command[][]): Run {
  const outcomes: RequestOutcome[] = []
  const transfers: Transfer[] = []
  for (const batch of batches) {
    const decision = decideBatch(state, batch, AT)
    outcomes.push(...decision.outcomes)
    transfers.push(...decision.transfers)
  }
  return { state, outcomes, transfers }
}

function commandsOf({ steps }: Script): { commands: Command[]; state: LedgerState } {
  const world = newWorld('memory')
  const commands = workOf('memory', world, steps).map((it) => it.command)
  return { commands, state: memoryLedger(world.wallets) }
}

test('F1: whatever is asked, entries sum to zero and balances, holds and versions agree', () => {
  fc.assert(
    fc.property(script, (given) => {
      const { commands, state } = commandsOf(given)
      const { transfers } = runBatches(state, [commands])
      assert.deepEqual(brokenInvariants(state, transfers), [])
    }),
    { numRuns: 500 },
  )
})

test('F2: asking again for what was answered changes nothing', () => {
  fc.assert(
    fc.property(script, (given) => {
      const { commands, state } = commandsOf(given)
      const first = runBatches(state, [commands])
      // A result that came before its hold may be applied the second time: that is no repeat.
      const again = commands.filter((_, index) => first.outcomes[index]!.type !== 'inapplicable')
      const before = structuredClone({ accounts: state.accounts, holds: state.holds })
      const second = runBatches(state, [again])
      assert.deepEqual({ accounts: state.accounts, holds: state.holds }, before)
      assert.deepEqual(second.transfers, [])
      const types = new Set(second.outcomes.map((it) => it.type))
      assert.ok(!types.has('committed') && !types.has('inapplicable'))
    }),
    { numRuns: 300 },
  )
})

test('splitting a batch changes nothing', () => {
  fc.assert(
    fc.property(script, (given) => {
      const whole = commandsOf(given)
      const split = commandsOf(given)
      const one = runBatches(whole.state, [whole.commands])
      const commands = workOf('memory', newWorld('memory'), given.steps)
      const batches = batchesOf(commands, given.cuts)
      const many = runBatches(
        split.state,
        batches.map((batch) => batch.map((it) => it.command)),
      )
      assert.deepEqual(many, one)
    }),
    { numRuns: 300 },
  )
})

test('a refusal changes no balance and no other hold', () => {
  fc.assert(
    fc.property(script, (given) => {
      const { commands, state } = commandsOf(given)
      for (const command of commands) {
        const before = structuredClone({ accounts: state.accounts, holds: state.holds })
        const { outcomes } = decideBatch(state, [command], AT)
        const [outcome] = outcomes
        if (outcome?.type === 'committed') continue
        assert.deepEqual(state.accounts, before.accounts)
        const holds = new Map(state.holds)
        // Only the record that this payment was refused may be new.
        if (outcome?.type === 'refused' && command.kind === 'hold') {
          holds.delete(command.paymentId ?? '')
        }
        assert.deepEqual(holds, new Map([...before.holds].filter(([key]) => holds.has(key))))
      }
    }),
    { numRuns: 150 },
  )
})

test('a decision that forgets an entry is stopped before it is written', () => {
  const { commands, state } = commandsOf({
    steps: [{ op: 'credit', wallet: 0, amount: 10, key: 1 }],
    cuts: [],
  })
  const forgetful: typeof decide = (command, ledger, at) => {
    const outcome = decide(command, ledger, at)
    if (outcome.type === 'committed') outcome.transfer.entries.pop()
    return outcome
  }
  assert.throws(() => decideBatch(state, commands, AT, forgetful), /do not sum to zero/)
})

test('the checker of invariants sees a forgotten entry and a changed balance', () => {
  const { commands, state } = commandsOf({
    steps: [
      { op: 'credit', wallet: 0, amount: 50, key: 1 },
      { op: 'hold', wallet: 0, amount: 20, key: 2 },
    ],
    cuts: [],
  })
  const { transfers } = runBatches(state, [commands])
  assert.deepEqual(brokenInvariants(state, transfers), [])
  transfers[1]!.entries.pop()
  assert.equal(brokenInvariants(state, transfers).length, 2)
  const wallet = state.accounts.get(commands[0]!.accountId)!
  wallet.availableMinor += 1n
  assert.match(brokenInvariants(state, transfers).join(), /USD sums to 1/)
})

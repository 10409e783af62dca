import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { asyncCapabilities, capabilities } from '../../test/capabilities.ts'
import type { Capabilities } from './capabilities.ts'
import { type ShownState, type Transition, transitions } from './transitions.ts'

const nameOf = ({ status, step, left, canBeAsked }: ShownState): string =>
  [status, step, left, ...(canBeAsked ? [] : ['cannot be asked'])].join(' ')

const isOf =
  ({ status, left }: ShownState) =>
  (name: string) =>
    name === status || name === left

const PSPS = { 'a PSP that answers': capabilities, 'a PSP that calls back': asyncCapabilities }

for (const [name, promised] of Object.entries(PSPS)) {
  describe(`the transitions at ${name}`, () => checkTable(promised))
}

function checkTable(promised: Capabilities): void {
  const rows = transitions(promised)
  /** What the facts lead to in all states with this step and these requests. */
  function ends(step: ShownState['step'], left: ShownState['left'], fact: string): Transition[] {
    return rows.filter(
      (row) => row.fact === fact && row.from.step === step && row.from.left === left,
    )
  }

  test('each fact leads from each state to one state and emits one event at most', () => {
    const ways = Map.groupBy(rows, ({ from, fact }) => `${nameOf(from)}: ${fact}`)
    for (const [way, all] of ways) assert.equal(all.length, 1, way)
    for (const { fact, from, emits } of rows) {
      // A reversal proves the success before it, where that is not known yet.
      const isProof = fact === 'callback: reversed' && !['COMPLETED', 'moved late'].some(isOf(from))
      assert.ok(emits.length <= 1 || (isProof && emits.length === 2), `${nameOf(from)}: ${fact}`)
    }
  })

  test('nothing leads out of a final status, and every other state can end', () => {
    const states = new Set(rows.flatMap(({ from, to }) => [nameOf(from), nameOf(to)]))
    const ended = [...states].filter((name) => /^(COMPLETED|FAILED) /.test(name))
    const canEnd = new Set(ended)
    for (let before = -1; before !== canEnd.size;) {
      before = canEnd.size
      for (const { from, to } of rows) if (canEnd.has(nameOf(to))) canEnd.add(nameOf(from))
    }
    assert.deepEqual(
      [...states].filter((name) => !canEnd.has(name)),
      [],
    )
    for (const { from, to } of rows.filter(({ from }) => from.step === null)) {
      assert.deepEqual([to.status, to.step], [from.status, null])
    }
  })

  test('a failed operation whose money moves is emitted once, and a contradiction changes nothing', () => {
    for (const { from, to, emits } of rows) {
      const isLate = from.left === null && from.status === 'FAILED' && to.left !== null
      assert.equal(emits.includes('late_success'), isLate)
      if (emits.includes('contradicted')) assert.deepEqual(to, from)
    }
    const failures = rows.filter(({ fact }) => fact === 'callback: failed')
    const contradicted = failures.filter(({ emits }) => emits[0] === 'contradicted')
    assert.deepEqual(contradicted.map(({ from }) => nameOf(from)).toSorted(), [
      'COMPLETED  ',
      'COMPLETED  taken back',
      'FAILED  moved late',
      'FAILED  taken back',
    ])
  })

  test('a fact with another amount is never applied', () => {
    const others = rows.filter(({ fact }) => fact === 'callback: other amount')
    assert.ok(others.length >= 8)
    for (const { from, to, emits } of others) {
      assert.deepEqual([to, emits], [from, ['contradicted']])
    }
  })

  test('a hint and a return make the status of an operation that has not ended due now', () => {
    const hints = rows.filter(({ fact }) => fact === 'callback: hint' || fact.endsWith('returned'))
    for (const { to } of hints.filter(({ from }) => from.step !== null)) {
      assert.deepEqual([to.step, to.left], ['query', 'may be in flight'])
    }
  })

  test('rule 9: what may be in flight fails only by a verdict', () => {
    const failures = rows.filter(
      ({ from, to }) => to.status === 'FAILED' && from.left === 'may be in flight',
    )
    assert.deepEqual([...new Set(failures.map(({ fact }) => fact))].toSorted(), [
      'declined',
      'late: declined',
      'query: failed',
    ])
  })

  test('an operation is canceled only where nothing left, and a key that expired is never sent', () => {
    for (const { from } of rows.filter(({ fact }) => fact === 'canceled')) {
      const { canBeAsked: _canBeAsked, ...unsent } = from
      assert.deepEqual(unsent, { status: 'PENDING', step: 'send', left: 'nothing left' })
    }
    const expired = rows.filter(({ fact }) => fact === 'key expired')
    assert.ok(expired.length >= 3)
    for (const { to } of expired) assert.equal(to.step, 'query')
  })

  test('a final state is emitted once, and a doubt when it begins', () => {
    for (const { from, to, emits } of rows) {
      const isFinal = ['completed', 'failed', 'canceled'].includes(emits[0] ?? '')
      assert.equal(isFinal, to.step === null && from.step !== null)
      assert.equal(emits[0] === 'in_doubt', to.status === 'IN_DOUBT' && from.status !== 'IN_DOUBT')
    }
  })

  test('an accepted request is asked about until there is a verdict', () => {
    const [accepted] = ends('await', 'nothing left', 'accepted')
    assert.equal(nameOf(accepted!.to), 'PENDING query may be in flight')
    const [pending] = ends('query', 'may be in flight', 'query: pending')
    assert.equal(pending?.to.step, 'query')
  })
}

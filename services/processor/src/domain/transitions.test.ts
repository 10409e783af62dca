import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ShownState, type Transition, transitions } from './transitions.ts'

const rows = transitions()
const nameOf = ({ status, step, left }: ShownState): string => [status, step, left].join(' ')

/** What the facts lead to in all states with this step and these requests. */
function ends(step: ShownState['step'], left: ShownState['left'], fact: string): Transition[] {
  return rows.filter((row) => row.fact === fact && row.from.step === step && row.from.left === left)
}

test('each fact leads from each state to one state and emits one event at most', () => {
  const ways = Map.groupBy(rows, ({ from, fact }) => `${nameOf(from)}: ${fact}`)
  for (const [way, all] of ways) assert.equal(all.length, 1, way)
})

test('nothing leads out of a final state, and every other state can end', () => {
  const states = new Set(rows.flatMap(({ from, to }) => [nameOf(from), nameOf(to)]))
  const canEnd = new Set(['COMPLETED  ', 'FAILED  '])
  for (let before = -1; before !== canEnd.size;) {
    before = canEnd.size
    for (const { from, to } of rows) if (canEnd.has(nameOf(to))) canEnd.add(nameOf(from))
  }
  assert.deepEqual(
    [...states].filter((name) => !canEnd.has(name)),
    [],
  )
  assert.deepEqual(
    rows.filter(({ from }) => from.step === null),
    [],
  )
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
    assert.deepEqual(from, { status: 'PENDING', step: 'send', left: 'nothing left' })
  }
  const expired = rows.filter(({ fact }) => fact === 'key expired')
  assert.ok(expired.length >= 3)
  for (const { to } of expired) assert.equal(to.step, 'query')
})

test('a final state is emitted once, and a doubt when it begins', () => {
  for (const { from, to, emits } of rows) {
    const isFinal = emits === 'completed' || emits === 'failed' || emits === 'canceled'
    assert.equal(isFinal, to.step === null)
    assert.equal(emits === 'in_doubt', to.status === 'IN_DOUBT' && from.status !== 'IN_DOUBT')
  }
})

test('an accepted request is asked about until there is a verdict', () => {
  const [accepted] = ends('await', 'nothing left', 'accepted')
  assert.equal(nameOf(accepted!.to), 'PENDING query may be in flight')
  const [pending] = ends('query', 'may be in flight', 'query: pending')
  assert.equal(pending?.to.step, 'query')
})

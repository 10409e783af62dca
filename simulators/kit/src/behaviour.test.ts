import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatBehaviour, parseBehaviour, resolveBehaviour } from './behaviour.ts'
import { seededRandom } from './seeded-random.ts'

test('P8: every documented behaviour is parsed and formats to the same text', () => {
  const texts = [
    'approve',
    'decline',
    'error_500',
    'error_500_once',
    'error_500_twice',
    'slow:1500',
    'hang',
    'apply_then_hang',
    'apply_then_reset',
    'reset',
    'garbage',
    'rate_limit_once',
    'wrong_amount',
    'wrong_currency',
    'no_transaction_id',
    'repeated_transaction_id',
    'duplicate_members',
    'callback_before_answer',
    'callback_twice',
    'callback_never',
    'callback_late:20',
    'callback_wrong_amount',
    'reverse_after_success',
    'contradict',
    'forget_keys',
    'random:0.3',
    'random_callbacks:0.3',
  ]
  for (const text of texts) {
    const behaviour = parseBehaviour(text)
    assert.ok(behaviour !== null, text)
    assert.equal(formatBehaviour(behaviour), text)
  }
})

test('an unknown behaviour is not parsed', () => {
  const texts = ['', 'APPROVE', 'slow', 'slow:-1', 'slow:1.5', 'random:2', 'random:', 'approve\n']
  for (const text of texts) assert.equal(parseBehaviour(text), null, text)
})

test('random:<share> gives that share of requests another behaviour than approve', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 0, max: 100 }), (seed, percent) => {
      const random = seededRandom(seed)
      const share = percent / 100
      const draws = Array.from({ length: 2_000 }, () =>
        resolveBehaviour({ kind: 'random', share }, random),
      )
      const faulty = draws.filter(({ kind }) => kind !== 'approve').length
      assert.ok(Math.abs(faulty / draws.length - share) < 0.06, `${faulty} of ${draws.length}`)
    }),
    { numRuns: 30 },
  )
})

test('random_callbacks draws only faults of callbacks', () => {
  const random = seededRandom(3)
  const kinds = Array.from(
    { length: 2_000 },
    () => resolveBehaviour({ kind: 'random_callbacks', share: 1 }, random).kind,
  )
  const drawn = [
    'callback_before_answer',
    'callback_late',
    'callback_never',
    'callback_twice',
    'callback_wrong_amount',
    'contradict',
    'reverse_after_success',
  ]
  assert.deepEqual([...new Set<string>(kinds)].toSorted(), drawn)
})

test('the same seed gives the same sequence of faults', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const drawn = () => {
        const random = seededRandom(seed)
        return Array.from({ length: 50 }, () =>
          formatBehaviour(resolveBehaviour({ kind: 'random', share: 0.5 }, random)),
        )
      }
      assert.deepEqual(drawn(), drawn())
    }),
  )
})

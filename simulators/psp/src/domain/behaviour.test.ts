import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { behaviourText, parseBehaviour, settleBehaviour } from './behaviour.ts'
import { seededRandom } from './seeded-random.ts'

test('P8: every behaviour of the interface is read, and its text comes back', () => {
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
    'random:0.3',
  ]
  for (const text of texts) {
    const behaviour = parseBehaviour(text)
    assert.ok(behaviour !== null, text)
    assert.equal(behaviourText(behaviour), text)
  }
})

test('what is no behaviour is not read', () => {
  const texts = ['', 'APPROVE', 'slow', 'slow:-1', 'slow:1.5', 'random:2', 'random:', 'approve\n']
  for (const text of texts) assert.equal(parseBehaviour(text), null, text)
})

test('random:<share> gives that share of requests one of the others', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 0, max: 100 }), (seed, percent) => {
      const random = seededRandom(seed)
      const share = percent / 100
      const draws = Array.from({ length: 2_000 }, () =>
        settleBehaviour({ kind: 'random', share }, random),
      )
      const mishaps = draws.filter(({ kind }) => kind !== 'approve').length
      assert.ok(Math.abs(mishaps / draws.length - share) < 0.06, `${mishaps} of ${draws.length}`)
    }),
    { numRuns: 30 },
  )
})

test('the same seed brings the same misfortunes', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const drawn = () => {
        const random = seededRandom(seed)
        return Array.from({ length: 50 }, () =>
          behaviourText(settleBehaviour({ kind: 'random', share: 0.5 }, random)),
        )
      }
      assert.deepEqual(drawn(), drawn())
    }),
  )
})

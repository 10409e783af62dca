import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatBehaviour, parseBehaviour } from './behaviour.ts'
import { type Arrival, faultCounter, planBatch } from './plan-batch.ts'

function arrival(operationId: string, text: string): Arrival {
  const behaviour = parseBehaviour(text)
  assert.ok(behaviour !== null && !('share' in behaviour))
  return { operationId, behaviour }
}

test('P8: each behaviour stores its verdict and uses its delivery', () => {
  const expected: Array<[string, string | null, string]> = [
    ['approve', 'approved', 'answer'],
    ['decline', 'failed', 'answer'],
    ['error_500', null, 'error_500'],
    ['error_500_once', null, 'error_500'],
    ['error_500_twice', null, 'error_500'],
    ['rate_limit_once', null, 'rate_limit'],
    ['slow:20', 'approved', 'answer'],
    ['hang', null, 'hang'],
    ['apply_then_hang', 'approved', 'hang'],
    ['reset', null, 'reset'],
    ['apply_then_reset', 'approved', 'reset'],
    ['garbage', 'approved', 'garbage'],
  ]
  for (const [text, verdict, delivery] of expected) {
    const [outcome] = planBatch([arrival('p', text)], new Map())
    assert.deepEqual([text, outcome?.verdict, outcome?.delivery], [text, verdict, delivery])
  }
})

test('_once and _twice count faults per key, within a batch and across batches', () => {
  const batch = [
    arrival('a', 'error_500_twice'),
    arrival('b', 'error_500_twice'),
    arrival('a', 'error_500_twice'),
    arrival('a', 'error_500_twice'),
  ]
  const deliveries = planBatch(batch, new Map([[faultCounter('b', 'error_500_twice'), 2]]))
  assert.deepEqual(
    deliveries.map(({ delivery }) => delivery),
    ['error_500', 'answer', 'error_500', 'answer'],
  )
})

test('splitting a batch changes nothing', () => {
  const arrivals = fc.array(
    fc.tuple(
      fc.constantFrom('a', 'b', 'c'),
      fc.constantFrom('approve', 'error_500_once', 'error_500_twice', 'rate_limit_once', 'hang'),
    ),
    { maxLength: 20 },
  )
  fc.assert(
    fc.property(arrivals, fc.nat(20), (pairs, cut) => {
      const batch = pairs.map(([paymentId, text]) => arrival(paymentId, text))
      const faults = new Map<string, number>()
      const split = [batch.slice(0, cut), batch.slice(cut)].flatMap((part) => {
        const outcomes = planBatch(part, faults)
        for (const [index, { operationId, behaviour }] of part.entries()) {
          if (outcomes[index]?.verdict !== null) continue
          const counter = faultCounter(operationId, formatBehaviour(behaviour))
          faults.set(counter, (faults.get(counter) ?? 0) + 1)
        }
        return outcomes
      })
      assert.deepEqual(split, planBatch(batch, new Map()))
    }),
  )
})

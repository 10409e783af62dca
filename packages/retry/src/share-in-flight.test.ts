import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shareInFlight } from './share-in-flight.ts'

test('calls that overlap share one run, and a later call runs again', async () => {
  const runs: PromiseWithResolvers<number>[] = []
  const shared = shareInFlight(() => {
    const run = Promise.withResolvers<number>()
    runs.push(run)
    return run.promise
  })
  const overlapping = [shared(), shared()]
  assert.equal(runs.length, 1)
  runs[0]!.resolve(1)
  assert.deepEqual(await Promise.all(overlapping), [1, 1])
  const later = shared()
  assert.equal(runs.length, 2)
  runs[1]!.resolve(2)
  assert.equal(await later, 2)
})

test('the error of a run reaches all its callers and no later one', async () => {
  let failing = true
  const shared = shareInFlight(async () => {
    if (failing) throw new Error('the first run')
    return 'ok'
  })
  const outcomes = await Promise.allSettled([shared(), shared()])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  failing = false
  assert.equal(await shared(), 'ok')
})

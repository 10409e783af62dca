import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTurnstile } from './create-turnstile.ts'

/** Enters calls, and notes the tenant of each that begins. */
function turnstileOf(options: { places: number; maxPending: number }) {
  const turnstile = createTurnstile(options)
  const begun: string[] = []
  const enter = (tenant: string, count: number): number => {
    let entered = 0
    for (let index = 0; index < count; index += 1) {
      const waiting = turnstile.enter(tenant)
      if (waiting === undefined) continue
      entered += 1
      void waiting.then(() => begun.push(tenant))
    }
    return entered
  }
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  return { turnstile, begun, enter, settled }
}

test('a call of another tenant begins before those that wait', async () => {
  const { begun, enter, settled } = turnstileOf({ places: 64, maxPending: 1_000 })
  assert.equal(enter('a', 800), 800)
  enter('b', 1)
  await settled()
  assert.deepEqual(begun, [...Array<string>(56).fill('a'), 'b'])
})

test('tenants that wait take turns', async () => {
  const { turnstile, begun, enter, settled } = turnstileOf({ places: 1, maxPending: 100 })
  enter('a', 4)
  enter('b', 2)
  enter('c', 3)
  for (let index = 0; index < 9; index += 1) {
    await settled()
    turnstile.leave(begun.at(-1)!)
  }
  assert.equal(begun.join(' '), 'a a b c a b c a c')
})

test('a tenant whose share of the queue is full leaves room for another', async () => {
  const { enter } = turnstileOf({ places: 1, maxPending: 64 })
  assert.equal(enter('a', 100), 56)
  assert.equal(enter('b', 1), 1)
})

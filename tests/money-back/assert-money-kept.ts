import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { type Play, playMoney } from './play-money.ts'
import type { PlayedSystem } from './played-system.ts'

/** Of fewer payments these may not come up. */
const ENOUGH = 2_000
const RARE = new Set([
  'late success recovered',
  'late success refunded',
  'late success in suspense',
  'refund by void',
  'refund reversed',
  'refund adopted',
  'return in suspense',
  'case opened',
  'receivable',
  'callback contradicts',
])

/** The seed of a play: that of CAUDAL_TEST_SEED, or one that is printed. */
export function seedOf(t: TestContext): number {
  const seed = Number(process.env['CAUDAL_TEST_SEED'] ?? Date.now() % 1_000_000)
  t.diagnostic(`CAUDAL_TEST_SEED=${seed}`)
  return seed
}

/**
 * Plays, and asserts that every order was paid for, that what moved at both banks is what the
 * wallets have, and that each fault occurred.
 */
export async function assertMoneyKept(
  t: TestContext,
  system: PlayedSystem,
  play: Omit<Play, 'seed'>,
): Promise<void> {
  const { tally, violations, facts } = await playMoney(system, { ...play, seed: seedOf(t) })
  for (const [what, count] of [...tally, ...Object.entries(facts)]) {
    t.diagnostic(`${count} × ${what}`)
  }
  assert.deepEqual(violations, [])
  const payments = play.users * play.orders
  assert.equal(tally.get('payment 202'), payments)
  const never = Object.entries(facts).filter(
    ([what, count]) => count === 0 && (payments >= ENOUGH || !RARE.has(what)),
  )
  assert.deepEqual(never, [], 'a fault that never occurred has proved nothing')
}

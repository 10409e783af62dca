import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { SLOW } from '@caudal/testing/slow.ts'
import type { PspAdapter } from '../../src/psp/adapter.ts'
import { fileScope } from '../world.ts'
import { checkConformance } from './check-conformance.ts'
import { newSeed } from './random.ts'
import { asyncbankUnderTest, syncbankUnderTest } from './simulators.ts'

const scope = fileScope(after)
const PAYMENTS = 40

test(
  'rule 9: every adapter conforms at its PSP, with the same references at both',
  SLOW,
  async (t) => {
    const seed = newSeed()
    t.diagnostic(`CAUDAL_CONFORMANCE_SEED=${seed}`)
    const psps = await Promise.all([syncbankUnderTest(scope), asyncbankUnderTest(scope)])
    // One seed: the same ids at both PSPs, whose books must not mix.
    const runs = await Promise.all(
      psps.map((psp) => checkConformance(scope, psp, { seed, payments: PAYMENTS })),
    )
    for (const [index, outcomes] of runs.entries()) {
      const statuses = new Map<string, number>()
      for (const { expected, driven } of outcomes) {
        const name = `${expected.kind} ${driven.state.status}`
        statuses.set(name, (statuses.get(name) ?? 0) + 1)
      }
      t.diagnostic(`${psps[index]?.name}: ${JSON.stringify(Object.fromEntries(statuses))}`)
      assert.ok((statuses.get('pay COMPLETED') ?? 0) > PAYMENTS / 4, `seed ${seed}`)
      assert.ok((statuses.get('payout COMPLETED') ?? 0) > PAYMENTS / 8, `seed ${seed}`)
    }
  },
)

/** Adapters of the asynchronous bank with one mistake each. */
const MISTAKES: Readonly<Record<string, (adapter: PspAdapter) => PspAdapter>> = {
  'takes the receipt for the verdict': (adapter) => ({
    ...adapter,
    decode: {
      ...adapter.decode,
      execute(expected, response) {
        const decoded = adapter.decode.execute(expected, response)
        const { outcome } = decoded
        if (outcome.kind !== 'pending') return decoded
        const { gateway_transaction_id: id = '' } = outcome.response
        const approval = { ...outcome.response, gateway_transaction_id: id }
        return { ...decoded, outcome: { kind: 'approved', response: approval } }
      },
    },
  }),
  'takes an unreadable answer for a refusal': (adapter) => ({
    ...adapter,
    decode: {
      ...adapter.decode,
      execute(expected, response) {
        const decoded = adapter.decode.execute(expected, response)
        if (decoded.outcome.kind !== 'ambiguous') return decoded
        return { ...decoded, outcome: { kind: 'declined', response: { status: 'failed' } } }
      },
    },
  }),
  'promises that keys live for ever': (adapter) => ({
    ...adapter,
    capabilities: { ...adapter.capabilities, keyLifetimeMs: null },
  }),
}

for (const [mistake, change] of Object.entries(MISTAKES)) {
  test(`the kit finds an adapter that ${mistake}`, SLOW, async () => {
    const bank = await asyncbankUnderTest(scope)
    const psp = { ...bank, adapter: change(bank.adapter), callBack: null }
    await assert.rejects(checkConformance(scope, psp, { seed: 3, payments: PAYMENTS }), /seed 3/)
  })
}

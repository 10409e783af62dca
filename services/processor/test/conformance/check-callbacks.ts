import assert from 'node:assert/strict'
import type { CallbackReceiver } from '@caudal/testing/callback-receiver.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { CallbackFact } from '../../src/domain/callback-fact.ts'
import { isOver } from '../../src/domain/psp-operation.ts'
import type { PspAdapter } from '../../src/psp/adapter.ts'
import type { Outcome } from './check-conformance.ts'

type Received = {
  receiver: CallbackReceiver
  secrets: readonly string[]
  outcomes: readonly Outcome[]
  seed: number
}

/**
 * Checks the callbacks of a run: each one is verified, and by no other secret or byte; their facts
 * say of every operation that ended what the operation says.
 */
export async function checkCallbacks(
  adapter: PspAdapter,
  { receiver, secrets, outcomes, seed }: Received,
): Promise<void> {
  const ended = outcomes.filter(({ driven }) => isOver(driven.state))
  const facts = await eventually(
    () => {
      const found = factsOf(adapter, receiver, secrets)
      const byId = new Map(found.map((fact) => [fact.ourId, fact]))
      for (const { expected, driven } of ended) {
        const { status, reason } = driven.state
        // What the PSP never accepted has no callback.
        if (status === 'FAILED' && reason !== 'gateway_declined') continue
        assert.ok(byId.has(expected.operationId), `no callback about ${expected.kind}`)
      }
      return byId
    },
    { label: `the callbacks, seed ${seed}` },
  )
  for (const { expected, driven } of ended) {
    const fact = facts.get(expected.operationId)
    if (fact === undefined) continue
    const { status } = driven.state
    assert.equal(fact.kind, expected.kind)
    assert.equal(fact.state, status === 'COMPLETED' ? 'approved' : 'failed', `seed ${seed}`)
    if (fact.amountMinor !== null) assert.equal(fact.amountMinor, expected.amountMinor)
    if (fact.currency !== null) assert.equal(fact.currency, expected.currency)
  }
}

function factsOf(
  adapter: PspAdapter,
  { received }: CallbackReceiver,
  secrets: readonly string[],
): CallbackFact[] {
  return received.flatMap(({ headers, body }) => {
    const rawBody = Buffer.from(body)
    const now = Date.now()
    assert.ok(adapter.verifyCallback({ headers, rawBody }, secrets, now).verified)
    assert.ok(!adapter.verifyCallback({ headers, rawBody }, [], now).verified)
    const changed = Buffer.concat([rawBody, Buffer.from(' ')])
    assert.ok(!adapter.verifyCallback({ headers, rawBody: changed }, secrets, now).verified)
    return adapter.parseCallback(rawBody)
  })
}

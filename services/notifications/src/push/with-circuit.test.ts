import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PushOutcome } from '../domain/decide-delivery.ts'
import type { Content } from '../domain/write-content.ts'
import { withCircuit } from './with-circuit.ts'

const content = {} as Content
const delivered: PushOutcome = { kind: 'delivered' }
const failing: PushOutcome = { kind: 'retry', error: 'HTTP_500' }
const open: PushOutcome = { kind: 'retry', error: 'circuit_open' }

function given(outcome: PushOutcome) {
  const service = { outcome: Promise.resolve(outcome), sent: 0 }
  const channel = withCircuit(
    {
      send: () => {
        service.sent += 1
        return service.outcome
      },
      close: async () => {},
    },
    { threshold: 0.5, windowMs: 1_000, minimumPerSecond: 5, pauseMs: { first: 50, most: 50 } },
  )
  const send = async (count: number): Promise<PushOutcome[]> => {
    const outcomes: PushOutcome[] = []
    for (let sent = 0; sent < count; sent += 1) outcomes.push(await channel.send('d', content))
    return outcomes
  }
  return { service, channel, send }
}

test('F13: a push service that is down gets no requests until one trial succeeds', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  const { service, channel, send } = given(failing)
  await send(20)
  assert.ok(!channel.healthy())
  const sentBefore = service.sent
  assert.ok(sentBefore < 20)
  assert.deepEqual(await channel.send('d', content), open)
  assert.equal(service.sent, sentBefore)

  t.mock.timers.tick(51)
  const { promise, resolve } = Promise.withResolvers<PushOutcome>()
  service.outcome = promise
  const trial = channel.send('d', content)
  assert.deepEqual(await channel.send('d', content), open)
  assert.equal(service.sent, sentBefore + 1)
  resolve(delivered)
  assert.deepEqual(await trial, delivered)
  assert.ok(channel.healthy())
  service.outcome = Promise.resolve(delivered)
  assert.deepEqual(await send(3), [delivered, delivered, delivered])
})

test('F13: errors about devices and notifications do not open the circuit', async () => {
  const { service, channel, send } = given({ kind: 'dead_device', error: 'UNREGISTERED' })
  await send(50)
  service.outcome = Promise.resolve({ kind: 'rejected', error: 'INVALID_ARGUMENT' })
  await send(50)
  assert.ok(channel.healthy())
  assert.equal(service.sent, 100)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Device } from '@caudal/contracts/device.ts'
import type { PushOutcome } from '../domain/decide-delivery.ts'
import { type DeviceAnswers, createPushCircuit } from './push-circuit.ts'

const device: Device = { deviceId: 'd', platform: 'android', token: 't' }
const answered = (...outcomes: PushOutcome[]): DeviceAnswers => ({
  devices: outcomes.map((outcome) => ({ device, outcome })),
})
const delivered = answered({ kind: 'delivered' })
const failing = answered({ kind: 'retry', error: 'HTTP_500' })
const open = answered({ kind: 'retry', error: 'circuit_open' })

function given(answer: DeviceAnswers) {
  const service = { answer: Promise.resolve(answer), called: 0 }
  const circuit = createPushCircuit({
    threshold: 0.5,
    windowMs: 1_000,
    minimumPerSecond: 5,
    pauseMs: { first: 50, most: 50 },
  })
  const call = (): Promise<DeviceAnswers> =>
    circuit.run(
      () => {
        service.called += 1
        return service.answer
      },
      () => open,
    )
  const callTimes = async (count: number): Promise<DeviceAnswers[]> => {
    const answers: DeviceAnswers[] = []
    while (answers.length < count) answers.push(await call())
    return answers
  }
  return { service, circuit, call, callTimes }
}

test('F13: a push service that is down gets no requests until one trial succeeds', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  const { service, circuit, call, callTimes } = given(failing)
  await callTimes(20)
  assert.notEqual(circuit.mode(), 'closed')
  const calledBefore = service.called
  assert.ok(calledBefore < 20)
  assert.equal(await call(), open)
  assert.equal(service.called, calledBefore)

  t.mock.timers.tick(51)
  const { promise, resolve } = Promise.withResolvers<DeviceAnswers>()
  service.answer = promise
  const trial = call()
  assert.equal(await call(), open)
  assert.equal(service.called, calledBefore + 1)
  resolve(delivered)
  assert.equal(await trial, delivered)
  assert.equal(circuit.mode(), 'closed')
  service.answer = Promise.resolve(delivered)
  assert.deepEqual(await callTimes(3), [delivered, delivered, delivered])
})

test('F13: errors about devices and notifications do not open the circuit', async () => {
  const { service, circuit, callTimes } = given(
    answered({ kind: 'dead_device', error: 'UNREGISTERED' }),
  )
  await callTimes(50)
  service.answer = Promise.resolve(answered({ kind: 'rejected', error: 'INVALID_ARGUMENT' }))
  await callTimes(50)
  service.answer = Promise.resolve(
    answered({ kind: 'retry', error: 'HTTP_500' }, { kind: 'delivered' }),
  )
  await callTimes(50)
  assert.equal(circuit.mode(), 'closed')
  assert.equal(service.called, 150)
})

import { type Circuit, type CircuitSettings, createCircuit } from '@caudal/outbound/circuit.ts'
import type { DeviceOutcome } from '../domain/decide-delivery.ts'

/** What the devices of one call answered. */
export type DeviceAnswers = { devices: readonly DeviceOutcome[] }

const DEFAULTS: CircuitSettings = {
  threshold: 0.5,
  windowMs: 5_000,
  minimumPerSecond: 5,
  pauseMs: { first: 1_000, most: 30_000 },
}

/**
 * The circuit of one push service (F13). A call fails if none of its devices got an answer: an
 * error about a device or a notification shows that the service works.
 */
export function createPushCircuit(settings: CircuitSettings = DEFAULTS): Circuit<DeviceAnswers> {
  return createCircuit<DeviceAnswers>({
    ...settings,
    isFailure: ({ devices }) => devices.every(({ outcome }) => outcome.kind === 'retry'),
  })
}

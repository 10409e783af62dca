import { type CircuitSettings, createCircuit } from '@caudal/outbound/circuit.ts'
import type { PushOutcome } from '../domain/decide-delivery.ts'
import type { PushChannel } from './push-channel.ts'

/** The error of a notification that was not sent because its push service is down. */
export const CIRCUIT_OPEN = 'circuit_open'

/** A channel with the state of its push service. */
export type GuardedChannel = PushChannel & { healthy(): boolean }

const DEFAULTS: CircuitSettings = {
  threshold: 0.5,
  windowMs: 5_000,
  minimumPerSecond: 5,
  pauseMs: { first: 1_000, most: 30_000 },
}

const OPEN: PushOutcome = { kind: 'retry', error: CIRCUIT_OPEN }

/**
 * Puts a circuit breaker in front of a push service (F13). While the service is down, its
 * notifications wait and take no capacity from the other service. An error about a device or a
 * notification is not a failure of the service.
 */
export function withCircuit(
  channel: PushChannel,
  settings: CircuitSettings = DEFAULTS,
): GuardedChannel {
  const circuit = createCircuit<PushOutcome>({
    ...settings,
    // One notification is the trial; the others do not wait for its result.
    whileTrying: 'refuse',
    isFailure: ({ kind }) => kind === 'retry',
  })
  return {
    send: (deviceToken, content) =>
      circuit.run(
        () => channel.send(deviceToken, content),
        () => OPEN,
      ),
    healthy: () => circuit.mode() === 'closed',
    close: () => channel.close(),
  }
}

import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  ExponentialBackoff,
  handleWhenResult,
  SamplingBreaker,
} from 'cockatiel'
import type { PushOutcome } from '../domain/decide-delivery.ts'
import type { PushChannel } from './push-channel.ts'

export type CircuitOptions = {
  /** Opens when more than this share of the messages could not be handed over, ... */
  threshold: number
  /** ... over this time, ... */
  windowMs: number
  /** ... and there were this many a second at least. */
  minimumPerSecond: number
  /** How long it stays open before one message may try; grows while that fails. */
  pauseMs: { first: number; most: number }
}

/** The error of a message that was not sent, since its push service is down. */
export const CIRCUIT_OPEN = 'circuit_open'

/** A channel that knows whether its push service works. */
export type GuardedChannel = PushChannel & { healthy(): boolean }

const DEFAULTS: CircuitOptions = {
  threshold: 0.5,
  windowMs: 5_000,
  minimumPerSecond: 5,
  pauseMs: { first: 1_000, most: 30_000 },
}

/**
 * A circuit breaker in front of a push service (F13): while it is down, its messages wait without
 * holding the places that the other service's messages need. What a service says about a device or
 * a message is no failure of the service.
 */
export function withCircuit(
  channel: PushChannel,
  { threshold, windowMs, minimumPerSecond, pauseMs }: CircuitOptions = DEFAULTS,
): GuardedChannel {
  const failures = handleWhenResult((result) => (result as PushOutcome).kind === 'retry')
  const policy = circuitBreaker(failures, {
    halfOpenAfter: new ExponentialBackoff({
      initialDelay: pauseMs.first,
      maxDelay: pauseMs.most,
    }),
    breaker: new SamplingBreaker({ threshold, duration: windowMs, minimumRps: minimumPerSecond }),
  })
  const open: PushOutcome = { kind: 'retry', error: CIRCUIT_OPEN }
  return {
    async send(deviceToken, message) {
      // One message tries; the others need not wait for what becomes of it.
      if (policy.state === CircuitState.HalfOpen) return open
      try {
        return await policy.execute(() => channel.send(deviceToken, message))
      } catch (error) {
        if (error instanceof BrokenCircuitError) return open
        throw error
      }
    },
    healthy: () => policy.state === CircuitState.Closed,
    close: () => channel.close(),
  }
}

import type { Device, Notification } from './notification.ts'

/** What a push service answered to one message. */
export type PushOutcome =
  | { kind: 'delivered' }
  /** The app is gone from the device: the token must not be used again. */
  | { kind: 'dead_device'; error: string }
  /** This message will never be taken, whatever is tried. */
  | { kind: 'rejected'; error: string }
  /** Not now, or not known: the same message under the same id may be sent again. */
  | { kind: 'retry'; error: string; afterMs?: number }

export type DeviceOutcome = { device: Device; outcome: PushOutcome }

/** How a notification goes on after a try. */
export type DeliveryDecision = {
  status: 'SENT' | 'NO_DEVICE' | 'FAILED' | 'PENDING'
  /** Only with PENDING. */
  retryInMs: number | null
  detail: string | null
}

const RETRY = { baseMs: 500, mostMs: 60_000 }
/** With the waits above, about half an hour of tries. */
const ATTEMPTS_AT_MOST = 40

/**
 * Decides from what all devices answered. One device that got it is enough to call it sent, but a
 * device that may still be reached is tried on; a user without a device is told nothing (P6).
 */
export function decideDelivery(
  notification: Pick<Notification, 'attempts'>,
  outcomes: readonly DeviceOutcome[],
  jitter: number,
): DeliveryDecision {
  if (outcomes.length === 0) return { status: 'NO_DEVICE', retryInMs: null, detail: null }
  const retries = outcomes.flatMap(({ outcome }) => (outcome.kind === 'retry' ? [outcome] : []))
  if (retries.length > 0 && notification.attempts < ATTEMPTS_AT_MOST) {
    const asked = Math.max(...retries.map(({ afterMs = 0 }) => afterMs))
    const retryInMs = Math.max(asked, backoffMs(notification.attempts, jitter))
    return { status: 'PENDING', retryInMs, detail: retries[0]!.error }
  }
  const sent = outcomes.some(({ outcome }) => outcome.kind === 'delivered')
  if (sent) return { status: 'SENT', retryInMs: null, detail: null }
  const dead = outcomes.every(({ outcome }) => outcome.kind === 'dead_device')
  const first = outcomes[0]!.outcome
  const detail = 'error' in first ? first.error : null
  return { status: dead ? 'NO_DEVICE' : 'FAILED', retryInMs: null, detail }
}

/** Exponential with jitter (F13); `jitter` from 0 to 1. */
export function backoffMs(attempts: number, jitter: number): number {
  const most = Math.min(RETRY.mostMs, RETRY.baseMs * 2 ** Math.min(attempts - 1, 12))
  return Math.round(most * (0.5 + jitter / 2))
}

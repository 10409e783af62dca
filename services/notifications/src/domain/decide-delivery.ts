import type { Device } from '@caudal/contracts/device.ts'
import { backoffMs } from '@caudal/retry/backoff-ms.ts'
import { sendUntilMs } from './is-worth-sending.ts'
import type { Notification, SettledStatus } from './notification.ts'

/** The answer of a push service to one request. */
export type PushOutcome =
  | { kind: 'delivered' }
  /** The app is gone from the device: the token must not be used again. */
  | { kind: 'dead_device'; error: string }
  /** The push service will never accept this notification. */
  | { kind: 'rejected'; error: string }
  /** Temporary or unknown: the notification may be sent again with the same id. */
  | { kind: 'retry'; error: string; afterMs?: number }

export type DeviceOutcome = { device: Device; outcome: PushOutcome }

/** The decision after a try. */
export type DeliveryDecision = {
  status: 'SENT' | 'NO_DEVICE' | 'FAILED' | 'TOO_OLD' | 'PENDING'
  /** Only with PENDING. */
  retryInMs: number | null
  /** Failures so far, including this try. */
  failures: number
  detail: string | null
}

type Tried = Pick<Notification, 'failures' | 'finalizedAtMs' | 'takenAtMs' | 'settled'>

const RETRY = { baseMs: 500, mostMs: 2 * 60_000 }
/** The longest Retry-After of a push service that is honoured. */
const PATIENCE_MS = 60 * 60_000

/**
 * Decides from the answers of all devices, in this and in earlier tries. One delivery is enough for
 * SENT. A device that may still be reached is retried until the end of the payment is too old (P6,
 * rule 12). `jitter` is from 0 to 1.
 */
export function decideDelivery(
  tried: Tried,
  outcomes: readonly DeviceOutcome[],
  jitter: number,
): DeliveryDecision {
  const { settled, takenAtMs, finalizedAtMs } = tried
  const statuses = new Set<SettledStatus | 'RETRYING'>(settled.values())
  for (const { outcome } of outcomes) statuses.add(statusOf(outcome))
  const failures = tried.failures + (statuses.has('RETRYING') ? 1 : 0)
  if (statuses.has('RETRYING')) {
    const retryInMs = Math.max(askedMs(outcomes), deliveryRetryDelayMs(failures, jitter))
    if (takenAtMs + retryInMs <= sendUntilMs(finalizedAtMs)) {
      return { status: 'PENDING', retryInMs, failures, detail: errorOf(outcomes, 'retry') }
    }
  }
  const ended = { retryInMs: null, failures }
  if (statuses.has('DELIVERED')) return { ...ended, status: 'SENT', detail: null }
  if (!statuses.has('REJECTED') && !statuses.has('RETRYING')) {
    return { ...ended, status: 'NO_DEVICE', detail: errorOf(outcomes, 'dead_device') }
  }
  const detail = errorOf(outcomes, 'rejected') ?? errorOf(outcomes, 'retry')
  return { ...ended, status: 'FAILED', detail }
}

/**
 * Postpones a notification whose recipient is unknown for now; nothing was sent. If identity
 * answers no tenant (`shutForMs` > 0), that does not count as a failure of the notification.
 */
export function postpone(
  tried: Tried,
  { shutForMs, detail }: { shutForMs: number; detail: string },
  jitter: number,
): DeliveryDecision {
  const failures = tried.failures + (shutForMs > 0 ? 0 : 1)
  const retryInMs = shutForMs > 0 ? Math.ceil(shutForMs) : deliveryRetryDelayMs(failures, jitter)
  return { status: 'PENDING', retryInMs, failures, detail }
}

/** Ends a notification that was claimed after its payment's end was too old (rule 12). */
export function endExpired(tried: Tried): DeliveryDecision {
  const { failures, settled } = tried
  if (wasDelivered(tried)) return { status: 'SENT', retryInMs: null, failures, detail: null }
  const status = failures > 0 || settled.size > 0 ? 'FAILED' : 'TOO_OLD'
  return { status, retryInMs: null, failures, detail: 'not delivered within a day' }
}

/** Whether a device got the notification in an earlier try. */
export function wasDelivered({ settled }: Pick<Notification, 'settled'>): boolean {
  return [...settled.values()].includes('DELIVERED')
}

/** Whole milliseconds, exponential with jitter (F13). */
export function deliveryRetryDelayMs(failures: number, jitter: number): number {
  return Math.round(backoffMs(RETRY, failures, jitter))
}

/** The status of a delivery for an answer of a push service. */
export function statusOf(outcome: PushOutcome): SettledStatus | 'RETRYING' {
  switch (outcome.kind) {
    case 'delivered':
      return 'DELIVERED'
    case 'dead_device':
      return 'DEAD_DEVICE'
    case 'rejected':
      return 'REJECTED'
    case 'retry':
      return 'RETRYING'
    default:
      return outcome satisfies never
  }
}

function askedMs(outcomes: readonly DeviceOutcome[]): number {
  const asked = outcomes.map(({ outcome }) => (outcome.kind === 'retry' && outcome.afterMs) || 0)
  return Math.min(PATIENCE_MS, Math.max(0, ...asked))
}

function errorOf(outcomes: readonly DeviceOutcome[], kind: PushOutcome['kind']): string | null {
  const found = outcomes.find(({ outcome }) => outcome.kind === kind)?.outcome
  return found && 'error' in found ? found.error : null
}

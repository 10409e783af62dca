import { backoffMs } from '@caudal/retry/backoff-ms.ts'
import { sendUntilMs } from './is-worth-sending.ts'
import type { Device, Notification, SettledStatus } from './notification.ts'

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
  status: 'SENT' | 'NO_DEVICE' | 'FAILED' | 'TOO_OLD' | 'PENDING'
  /** Only with PENDING. */
  retryInMs: number | null
  /** The failures so far, this try included. */
  failures: number
  detail: string | null
}

type Tried = Pick<Notification, 'failures' | 'finalizedAtMs' | 'takenAtMs' | 'settled'>

const RETRY = { baseMs: 500, mostMs: 2 * 60_000 }
/** A push service that asks for more patience than this is asked again anyway. */
const PATIENCE_MS = 60 * 60_000

/**
 * Decides from what all devices answered, now and in earlier tries. One device that got it is
 * enough to call it sent, but a device that may still be reached is tried on for as long as the
 * payment's end is worth sending (P6, rule 12). `jitter` from 0 to 1.
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
    const retryInMs = Math.max(askedMs(outcomes), retryDelayMs(failures, jitter))
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
 * For a notification whose recipient cannot be found out now: no push service was asked. Where
 * identity answers nobody (`shutForMs` > 0) that is no failure of this notification's own.
 */
export function postpone(
  tried: Tried,
  { shutForMs, detail }: { shutForMs: number; detail: string },
  jitter: number,
): DeliveryDecision {
  const failures = tried.failures + (shutForMs > 0 ? 0 : 1)
  const retryInMs = shutForMs > 0 ? Math.ceil(shutForMs) : retryDelayMs(failures, jitter)
  return { status: 'PENDING', retryInMs, failures, detail }
}

/** For one that was taken when its payment's end was no longer worth sending (rule 12). */
export function giveUp({ failures, settled }: Tried): DeliveryDecision {
  const delivered = [...settled.values()].includes('DELIVERED')
  if (delivered) return { status: 'SENT', retryInMs: null, failures, detail: null }
  const status = failures > 0 || settled.size > 0 ? 'FAILED' : 'TOO_OLD'
  return { status, retryInMs: null, failures, detail: 'not delivered within a day' }
}

/** Whole milliseconds, exponential with jitter (F13). */
export function retryDelayMs(failures: number, jitter: number): number {
  return Math.round(backoffMs(RETRY, failures, jitter))
}

/** A push service's answer as a delivery's status. */
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

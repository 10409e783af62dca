import {
  decideDelivery,
  type DeliveryDecision,
  type DeviceOutcome,
  postpone,
} from '../domain/decide-delivery.ts'
import type { Channel, Notification } from '../domain/notification.ts'
import type { TriedNotification } from '../store/save-outcomes.ts'

/** One try of a notification: a part for each push service that its devices need. */
export type Try = {
  /**
   * Ends the part of a push service. The end of the last part returns what to record, so the
   * answers of all devices are recorded together, and once. A second end of a part does not count.
   */
  end(channel: Channel, devices: readonly DeviceOutcome[]): TriedNotification | null
}

/** Begins a try with a part for each of these push services. */
export function createTry(notification: Notification, channels: Iterable<Channel>): Try {
  const open = new Set(channels)
  const outcomes: DeviceOutcome[] = []
  return {
    end(channel, devices) {
      if (!open.delete(channel)) return null
      outcomes.push(...devices)
      return open.size > 0 ? null : decided(notification, outcomes)
    },
  }
}

/** A try that ended with these answers. */
export function decided(
  notification: Notification,
  devices: readonly DeviceOutcome[],
): TriedNotification {
  const decision = decideDelivery(notification, devices, Math.random())
  return { ...triedWith(notification, decision), devices }
}

/** A try that ended without a request to a device. */
export function triedWith(
  { key, attempt }: Notification,
  decision: DeliveryDecision,
): TriedNotification {
  return { key, attempt, devices: [], decision }
}

/** A try whose recipient is unknown for now. */
export function postponed(
  notification: Notification,
  detail: string,
  shutForMs = 0,
): TriedNotification {
  return triedWith(notification, postpone(notification, { shutForMs, detail }, Math.random()))
}

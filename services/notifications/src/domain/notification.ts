import type { Device } from '@caudal/contracts/device.ts'

/** What a notification reports: how a payment ended, or what came of it afterwards. */
export type NotifiedOutcome =
  | 'COMPLETED'
  | 'FAILED'
  /** A payment that had failed is paid after all. */
  | 'RECOVERED'
  | 'REFUNDED'
  /** The PSP took back a refund. */
  | 'REFUND_REVERSED'
  | 'RETURNED'

/** A notification that is leased by one instance. */
export type Notification = {
  /** What it is known by (`notificationKeyOf`): one for each object and outcome, for ever. */
  key: string
  paymentId: string
  /** The refund or return; null of a payment itself. */
  objectId: string | null
  tenantId: string
  userId: string
  /** A decimal string, as in the event. */
  amount: string
  currency: string
  serviceName: string
  outcome: NotifiedOutcome
  traceparent: string | null
  /** When that happened, in milliseconds of Unix time. */
  finalizedAtMs: number
  /** When this instance claimed it, by the database's clock. */
  takenAtMs: number
  /** How often it was claimed, including this time. Fences decisions of earlier holders. */
  attempt: number
  /** Tries that left something to be sent. */
  failures: number
  /** The final outcome per device from earlier tries; these devices get no further request. */
  settled: ReadonlyMap<string, SettledStatus>
}

/** What a user is notified of, with the facts for the notification. */
export type NotifiedEvent = Pick<
  Notification,
  | 'key'
  | 'paymentId'
  | 'objectId'
  | 'tenantId'
  | 'userId'
  | 'amount'
  | 'currency'
  | 'serviceName'
  | 'outcome'
  | 'traceparent'
  | 'finalizedAtMs'
>

/** What the user is notified of; null of what the user does not notice. */
export type NotificationWork = NotifiedEvent | null

/** The final answer of a push service about a device. */
export type SettledStatus = 'DELIVERED' | 'DEAD_DEVICE' | 'REJECTED'

/** The user's devices and language. */
export type Recipient = { locale: string; devices: readonly Device[] }

export type Channel = 'fcm' | 'apns'

/** The push service of the device's platform. */
export function channelOf(device: Device): Channel {
  return device.platform === 'android' ? 'fcm' : 'apns'
}

/** Whether the notification is the one of a payment's end. */
export function isPaymentEnd(outcome: NotifiedOutcome): outcome is 'COMPLETED' | 'FAILED' {
  return outcome === 'COMPLETED' || outcome === 'FAILED'
}

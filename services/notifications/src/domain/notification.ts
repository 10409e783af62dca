import type { Device } from '@caudal/contracts/device.ts'

/** The notification of a payment's end, leased by one instance. */
export type Notification = {
  paymentId: string
  tenantId: string
  userId: string
  /** A decimal string, as in the event. */
  amount: string
  currency: string
  serviceName: string
  outcome: 'COMPLETED' | 'FAILED'
  traceparent: string | null
  /** When the payment ended, in milliseconds of Unix time. */
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

/** A payment that ended, with the facts for its notification. */
export type FinalizedPayment = Pick<
  Notification,
  | 'paymentId'
  | 'tenantId'
  | 'userId'
  | 'amount'
  | 'currency'
  | 'serviceName'
  | 'outcome'
  | 'traceparent'
  | 'finalizedAtMs'
>

/** The final answer of a push service about a device. */
export type SettledStatus = 'DELIVERED' | 'DEAD_DEVICE' | 'REJECTED'

/** The user's devices and language. */
export type Recipient = { locale: string; devices: readonly Device[] }

export type Channel = 'fcm' | 'apns'

/** The push service of the device's platform. */
export function channelOf(device: Device): Channel {
  return device.platform === 'android' ? 'fcm' : 'apns'
}

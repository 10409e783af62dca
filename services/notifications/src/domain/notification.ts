/** What a user is notified of at the end of a payment, leased by one instance. */
export type Notification = {
  paymentId: string
  tenantId: string
  userId: string
  /** A decimal string of the currency, as the event says it. */
  amount: string
  currency: string
  serviceName: string
  outcome: 'COMPLETED' | 'FAILED'
  traceparent: string | null
  /** When the payment ended, in milliseconds of Unix time. */
  finalizedAtMs: number
  /** When this instance took it, by the database's clock. */
  takenAtMs: number
  /** How often it was taken, this time included; what an earlier holder learns late counts less. */
  attempt: number
  /** Tries after which something was still to be sent. */
  failures: number
  /** Devices that need no further message: what became of it in earlier tries. */
  settled: ReadonlyMap<string, SettledStatus>
}

/** A payment that ended, and what its user is notified of. */
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

/** The last word of a push service about a message to a device. */
export type SettledStatus = 'DELIVERED' | 'DEAD_DEVICE' | 'REJECTED'

/** A device of a user, from identity. */
export type Device = { deviceId: string; platform: 'android' | 'ios'; token: string }

/** The user's devices and language. */
export type Recipient = { locale: string; devices: readonly Device[] }

export type Channel = 'fcm' | 'apns'

/** The push service of the device's platform. */
export function channelOf(device: Device): Channel {
  return device.platform === 'android' ? 'fcm' : 'apns'
}

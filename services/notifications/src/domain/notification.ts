/** What a user is told about the end of a payment, and to whom it must still go. */
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
  /** Tries so far, the one under way included. */
  attempts: number
}

/** A device of a user, from identity. */
export type Device = { deviceId: string; platform: 'android' | 'ios'; token: string }

/** The user's devices and language. */
export type Recipient = { locale: string; devices: readonly Device[] }

export type Channel = 'fcm' | 'apns'

export function channelOf(device: Device): Channel {
  return device.platform === 'android' ? 'fcm' : 'apns'
}

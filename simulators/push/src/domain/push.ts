/** A message to a device, from either protocol. */
export interface Push {
  /** Repeats of a message have the same id, so that distinct messages can be counted. */
  messageId: string
  platform: 'android' | 'ios'
  deviceToken: string
  userId: string | null
  paymentId: string | null
  title: string | null
  body: string | null
  data: Record<string, unknown>
}

/** The outcome of a push. */
export type SimulatedOutcome = 'accepted' | 'unregistered' | 'failed'

const MAX_ID_LENGTH = 255

/** The value as text that PostgreSQL can store; null if it is not a string. */
export function storableText(value: unknown): string | null {
  return typeof value === 'string' ? withoutNul(value) : null
}

/** Like `storableText`, truncated to the maximum length of an id, since ids are indexed. */
export function storableId(value: unknown): string | null {
  return storableText(value)?.slice(0, MAX_ID_LENGTH).toWellFormed() ?? null
}

/** Replaces U+0000, which PostgreSQL can store neither in text nor in jsonb. */
export function withoutNul(text: string): string {
  return text.replaceAll('\u0000', '\ufffd')
}

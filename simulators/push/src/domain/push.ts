/** A message to a device, whichever protocol it came by. */
export interface Push {
  /** The same for a repeat of the same message, so that distinct messages can be counted. */
  messageId: string
  platform: 'android' | 'ios'
  deviceToken: string
  userId: string | null
  paymentId: string | null
  title: string | null
  body: string | null
  data: Record<string, unknown>
}

/** What becomes of a push. */
export type PushOutcome = 'accepted' | 'unregistered' | 'failed'

const MAX_ID_LENGTH = 255

/** The member if it is a text, as PostgreSQL can store it, else null. */
export function storableText(value: unknown): string | null {
  return typeof value === 'string' ? withoutNul(value) : null
}

/** Like `storableText`; ids are indexed, and what no id would be is cut to fit. */
export function storableId(value: unknown): string | null {
  return storableText(value)?.slice(0, MAX_ID_LENGTH).toWellFormed() ?? null
}

/** PostgreSQL has no U+0000, neither in text nor in jsonb. */
export function withoutNul(text: string): string {
  return text.replaceAll('\u0000', '\ufffd')
}

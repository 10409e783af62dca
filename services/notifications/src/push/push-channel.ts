import type { PushOutcome } from '../domain/decide-delivery.ts'
import type { Message } from '../domain/write-message.ts'

/** A push service: sends one message to one device; never throws, every fault is an outcome. */
export type PushChannel = {
  send(deviceToken: string, message: Message): Promise<PushOutcome>
  close(): Promise<void>
}

/** A fault on the way: whether the message arrived is unknown, its id makes a repeat harmless. */
export function retryAfterFault(error: unknown): PushOutcome {
  const { code, message } = error as { code?: unknown; message?: unknown }
  const text = typeof code === 'string' ? code : typeof message === 'string' ? message : ''
  return { kind: 'retry', error: text || 'no answer' }
}

/** `Retry-After` in milliseconds: seconds or a date (RFC 9110); undefined when there is none. */
export function retryAfterMs(header: unknown, nowMs: number): number | undefined {
  if (typeof header !== 'string' || header.trim() === '') return undefined
  const seconds = Number(header)
  const waitMs = Number.isNaN(seconds) ? Date.parse(header) - nowMs : seconds * 1_000
  return waitMs > 0 ? Math.ceil(waitMs) : undefined
}

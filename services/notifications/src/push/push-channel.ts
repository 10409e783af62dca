import type { PushOutcome } from '../domain/decide-delivery.ts'
import type { Content } from '../domain/write-content.ts'

/** A push service. Sends one notification to one device. Never rejects: a fault is an outcome. */
export type PushChannel = {
  /** Aborting the signal ends the request; whether it arrived is then unknown. */
  send(deviceToken: string, content: Content, signal?: AbortSignal): Promise<PushOutcome>
  close(): Promise<void>
}

/** A transport fault: the delivery is unknown, and the id makes a repeat harmless. */
export function retryAfterFault(error: unknown): PushOutcome {
  const { code, message } = error as { code?: unknown; message?: unknown }
  const text = typeof code === 'string' ? code : typeof message === 'string' ? message : ''
  return { kind: 'retry', error: text || 'no answer' }
}

const CODE = /^[A-Za-z_]{1,64}$/

/** The error code of a push service's answer. Other text is not kept: it may quote anything. */
export function errorCodeOf(value: unknown): string | undefined {
  return typeof value === 'string' && CODE.test(value) ? value : undefined
}

/** Aborts with the timeout of one request or with the signal of its caller. */
export function eitherSignal(own: AbortSignal, callers: AbortSignal | undefined): AbortSignal {
  return callers ? AbortSignal.any([own, callers]) : own
}

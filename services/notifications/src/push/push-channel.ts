import type { PushOutcome } from '../domain/decide-delivery.ts'
import type { Message } from '../domain/write-message.ts'

/** A push service: sends one message to one device; never throws, every fault is an outcome. */
export type PushChannel = {
  send(deviceToken: string, message: Message): Promise<PushOutcome>
  close(): Promise<void>
}

/** A fault on the way: whether the message arrived is unknown, its id makes a repeat harmless. */
export function retryAfterFault(error: unknown): PushOutcome {
  const { code, message } = error as { code?: string; message?: string }
  return { kind: 'retry', error: code ?? message ?? 'no answer' }
}

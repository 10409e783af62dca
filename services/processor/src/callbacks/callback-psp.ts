import type { RetryPolicy } from '../domain/retry-policy.ts'
import type { PspAdapter } from '../psp/adapter.ts'
import type { CallbackSettings } from '../psp/callback-settings.ts'

/** A PSP that may report to us. */
export type CallbackPsp = {
  name: string
  adapter: PspAdapter
  policy: RetryPolicy
  callbacks: CallbackSettings
}

/** The PSP of this name; undefined if none is configured. */
export type FindPsp = (name: string) => CallbackPsp | undefined

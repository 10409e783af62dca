import type { OperationFacts } from '../domain/operation-facts.ts'
import type { RetryPolicy } from '../domain/retry-policy.ts'
import type { PspAdapter } from '../psp/adapter.ts'
import type { CallbackSettings } from '../psp/callback-settings.ts'

/** A question about an operation; `itsId` is the PSP's id of it, `query` its number. */
export type AskedOperation = { facts: OperationFacts; query: number; itsId: string | null }

/** A PSP that may report to us. */
export type CallbackPsp = {
  name: string
  adapter: PspAdapter
  policy: RetryPolicy
  callbacks: CallbackSettings
  /** Queries the status of an operation that has ended, once; the answer is late truth. */
  ask(asked: AskedOperation): void
}

/** The PSP of this name; undefined if none is configured. */
export type FindPsp = (name: string) => CallbackPsp | undefined

/** Whether callbacks of the PSP's account may state facts about the tenant's operations. */
export function speaksFor(
  psp: CallbackPsp | undefined,
  account: string,
  tenantId: string,
): boolean {
  const tenants = psp?.callbacks.accounts.get(account)?.tenants
  return tenants === null || tenants?.has(tenantId) === true
}

import type { OperationKind } from '../../src/domain/operation-facts.ts'
import type { PspAdapter } from '../../src/psp/adapter.ts'

/** The PSP's own word for a way to treat requests, such as `hang`; `approve` is no fault. */
export type Treatment = string

/** Names an operation in the books of the PSP. */
export type Booked = { kind: OperationKind; operationId: string; paymentId: string | null }

/** A real or simulated PSP with its adapter, as the kit drives it. */
export type PspUnderTest = {
  name: string
  adapter: PspAdapter
  url: string
  /** The ways in which it can treat requests, `approve` among them. */
  treatments: readonly Treatment[]
  /** From now on it treats requests to execute and queries so. */
  treat(execute: Treatment, query: Treatment): Promise<void>
  /** How it treats requests once it has forgotten every key, a day later; null if it never does. */
  forgetKeys: Treatment | null
  /** The amounts, in minor units, that it really moved for the operation. */
  movements(operation: Booked): Promise<bigint[]>
  /** Where its callbacks go; returns the secrets for them. Null if it has none. */
  callBack: ((url: string) => Promise<readonly string[]>) | null
}

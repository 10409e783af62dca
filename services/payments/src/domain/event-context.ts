/** `operator`: the user is credited as if nothing was kept; `user`: what came back. */
export const RETURN_CHARGES = ['operator', 'user'] as const

export type ReturnCharges = (typeof RETURN_CHARGES)[number]

/** What a decision takes from outside: the time behind the locks, the region, fresh ids. */
export interface EventContext {
  now: Date
  region: string
  mintId: () => string
}

/** What a decision about a fact takes beside. */
export interface FactContext extends EventContext {
  /** Who bears what a bank kept of a return that names it. */
  returnCharges: ReturnCharges
}

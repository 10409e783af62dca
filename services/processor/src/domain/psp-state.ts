/**
 * What is sent to a PSP: everything; all but new payments, so that refunds and doubt go on; or
 * nothing, so that only status queries go on.
 */
export const PSP_STATES = ['enabled', 'draining', 'disabled'] as const

export type PspState = (typeof PSP_STATES)[number]

/** A PSP as operators see it. */
export type ShownPsp = {
  psp: string
  adapter: string
  /** Our accounts there, which its callbacks name. */
  accounts: string[]
  state: PspState
  /** Those whose routes name it; `*` stands for all. */
  tenants: string[]
}

import type { Moment } from './moment.ts'

/** How a command is booked, whatever it asks for: when, and on which slot of system accounts. */
export interface Conditions extends Moment {
  /** From 0 up to `SLOTS`. */
  slot: number
}

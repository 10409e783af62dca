import type { BookingTime } from './booking-time.ts'

/** How a command is booked, whatever it asks for: when, and on which slot of system accounts. */
export interface Conditions extends BookingTime {
  /** From 0 up to `SLOTS`. */
  slot: number
}

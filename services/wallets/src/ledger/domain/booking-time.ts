/** When a batch is booked, by the database's clock, read when all its locks are held. */
export interface BookingTime {
  nowMs: number
  /** The day of it in UTC, `YYYY-MM-DD`: the value date unless another is asked for. */
  today: string
}

/** A reading of the database's clock as the booking time of a batch. */
export function bookingTimeOf(now: Date): BookingTime {
  return { nowMs: now.getTime(), today: dayOf(now) }
}

/** The day of an instant in UTC, `YYYY-MM-DD`. */
export function dayOf(instant: Date): string {
  return instant.toISOString().slice(0, 'YYYY-MM-DD'.length)
}

import { setTimeout as delay } from 'node:timers/promises'
import type { Reader } from '@caudal/postgres/types.ts'

const LOOK_EVERY_MS = 5
const WAIT_AT_MOST_MS = 5_000
/** A moment that is further ahead is not waited for. */
const SOON_MS = 50

/** Bookings of before a moment are still being committed; the same read may succeed later. */
class BookingsUnderWayError extends Error {
  override readonly name = 'BookingsUnderWayError'
  readonly code = 'BOOKINGS_UNDER_WAY'
  readonly retryable = true
}

// A booking gets its transaction id before it reads the clock. One that began later, or that
// has no id yet when the moment is over, books behind the moment.
const LOOK = `
  SELECT extract(epoch FROM $1::timestamptz - clock_timestamp())::float8 * 1000 AS ahead_ms,
    EXISTS (
      SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND backend_xid IS NOT NULL AND xact_start < $1
    ) AS is_booking`

/**
 * Resolves when no booking of before this moment can appear any more: the time of a booking is
 * taken when its locks are held, and is seen when it is committed. At once for a moment in the
 * future, of which nothing is final.
 *
 * @throws {BookingsUnderWayError} after five seconds
 */
export async function awaitOlderBookings(db: Reader, before: Date): Promise<void> {
  const until = performance.now() + WAIT_AT_MOST_MS
  for (;;) {
    const { rows } = await db.query<{ ahead_ms: number; is_booking: boolean }>({
      name: 'await-older-bookings',
      text: LOOK,
      values: [before],
    })
    const { ahead_ms: aheadMs, is_booking: isBooking } = rows[0]!
    if (aheadMs > SOON_MS || (aheadMs <= 0 && !isBooking)) return
    if (performance.now() > until) {
      throw new BookingsUnderWayError('bookings of before this moment are still being committed')
    }
    await delay(LOOK_EVERY_MS)
  }
}

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
// has no id yet when the moment is over, books behind the moment. The server hides the start of
// transactions of other roles, such as those of release 0.1.0 during an upgrade. Each of them that
// had an id at the first look after the moment is waited for: $2 has their ids, and is null until
// then. The owner of the tables books nothing.
const LOOK = `
  WITH writing AS (
    SELECT backend_xid::text AS id, usesysid AS role, xact_start FROM pg_stat_activity
    WHERE datname = current_database() AND backend_xid IS NOT NULL
  )
  SELECT extract(epoch FROM $1::timestamptz - clock_timestamp())::float8 * 1000 AS ahead_ms,
    EXISTS (SELECT FROM writing WHERE xact_start < $1) AS is_booking,
    ARRAY(
      SELECT id FROM writing
      WHERE xact_start IS NULL AND ($2::text[] IS NULL OR id = ANY($2::text[]))
        AND role <> (SELECT relowner FROM pg_class WHERE oid = 'entries'::regclass)
    ) AS hidden`

type Look = { ahead_ms: number; is_booking: boolean; hidden: string[] }

/**
 * Resolves when no booking of before this moment can appear any more: the time of a booking is
 * taken when its locks are held, and is seen when it is committed. At once for a moment in the
 * future, of which nothing is final.
 *
 * @throws {BookingsUnderWayError} after five seconds
 */
export async function awaitOlderBookings(db: Reader, before: Date): Promise<void> {
  const until = performance.now() + WAIT_AT_MOST_MS
  let suspects: string[] | null = null
  for (;;) {
    const values: unknown[] = [before, suspects]
    const { rows } = await db.query<Look>({ name: 'await-older-bookings', text: LOOK, values })
    const { ahead_ms: aheadMs, is_booking: isBooking, hidden } = rows[0]!
    if (aheadMs > SOON_MS || (aheadMs <= 0 && !isBooking && hidden.length === 0)) return
    if (aheadMs <= 0) suspects = hidden
    if (performance.now() > until) {
      throw new BookingsUnderWayError('bookings of before this moment are still being committed')
    }
    await delay(LOOK_EVERY_MS)
  }
}

import { textArray } from '@caudal/postgres/array-parameter.ts'
import { readClock } from '@caudal/postgres/read-clock.ts'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Tx } from '@caudal/postgres/types.ts'
import { type Destination, destinationOf } from '../domain/decide-requests.ts'

/**
 * Reads the clock, and which of the destinations are blocked, in one statement: what requests are
 * decided with. The blocked ones are by `destinationOf`.
 */
export async function readClockAndBlocked(
  tx: Tx,
  destinations: readonly Destination[],
): Promise<{ now: Date; blocked: Set<string> }> {
  if (destinations.length === 0) return { now: await readClock(tx), blocked: new Set() }
  const statement = sql`
    SELECT clock_timestamp() AS now, (
      SELECT array_agg(d.position::int)
      FROM unnest(
        ${textArray(destinations, (it) => it.tenantId)}::text[],
        ${textArray(destinations, (it) => it.serviceBankCode)}::text[],
        ${textArray(destinations, (it) => it.serviceAccountNumber)}::text[]
      ) WITH ORDINALITY AS d(tenant_id, bank_code, account_number, position)
      CROSS JOIN LATERAL (
        SELECT FROM blocked_destinations b
        WHERE b.service_account_number = d.account_number AND b.service_bank_code = d.bank_code
          AND b.tenant_id = d.tenant_id AND b.unblocked_at IS NULL
        OFFSET 0
      ) AS b
    ) AS places`
  const { rows } = await tx.query<{ now: Date; places: number[] | null }>(
    named('read-clock-and-blocked', statement),
  )
  const { now, places } = rows[0]!
  const blocked = (places ?? []).map((place) => destinationOf(destinations[place - 1]!))
  return { now, blocked: new Set(blocked) }
}

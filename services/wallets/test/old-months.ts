import pg from 'pg'

/** A connection as a superuser, closed with the test; for what no service can do. */
export async function connectAs(
  scope: { after(hook: () => Promise<void>): void },
  url: string,
): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  scope.after(() => client.end())
  return client
}

/** The first day of the month that was so many months ago, in UTC: `2026-01-01`. */
export function monthAgo(months: number): string {
  const now = new Date()
  const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1))
  return first.toISOString().slice(0, 'YYYY-MM-DD'.length)
}

/** Attaches partitions for a month of the past, as there would be if the ledger were that old. */
export async function attachMonth(owner: pg.Client, months: number): Promise<void> {
  const [starts, ends] = [monthAgo(months), monthAgo(months - 1)]
  const suffix = starts.slice(0, 'YYYY-MM'.length).replace('-', '_')
  for (const parent of ['transfers', 'entries']) {
    await owner.query(
      `CREATE TABLE ${parent}_${suffix} (LIKE ${parent} INCLUDING CONSTRAINTS INCLUDING GENERATED);
       ALTER TABLE ${parent} ATTACH PARTITION ${parent}_${suffix}
       FOR VALUES FROM ('${starts}T00:00:00Z') TO ('${ends}T00:00:00Z')`,
    )
  }
}

/**
 * Makes all that is booked so many months older: for books with a past. Times of day stay, and the
 * value date of a transfer that had the day of its booking.
 */
export async function age(admin: pg.Client, months: number): Promise<void> {
  const older = `(booked_at - interval '${months} months')`
  await admin.query(
    `UPDATE transfers SET booked_at = ${older}, value_date = (${older} AT TIME ZONE 'UTC')::date;
     UPDATE entries SET booked_at = ${older}, value_date = NULL`,
  )
}

/** Lets entries that were moved in time say their value dates as if booked then. */
export async function sayValueDates(admin: pg.Client): Promise<void> {
  await admin.query(
    `UPDATE entries e SET value_date = nullif(t.value_date, (t.booked_at AT TIME ZONE 'UTC')::date)
     FROM transfers t WHERE t.transfer_id = e.transfer_id`,
  )
}

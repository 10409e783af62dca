import type { Db } from '@caudal/postgres/types.ts'

/** Devices of each payment that need no further message: they got it, or never will. */
export async function finishedDevices(
  db: Db,
  paymentIds: readonly string[],
): Promise<Map<string, Set<string>>> {
  const { rows } = await db.query<{ payment_id: string; device_ids: string[] }>({
    name: 'finished-devices',
    text: `SELECT payment_id, array_agg(device_id::text) AS device_ids FROM deliveries
           WHERE payment_id = ANY($1::uuid[]) AND status <> 'RETRYING'
           GROUP BY payment_id`,
    values: [paymentIds],
  })
  return new Map(rows.map((row) => [row.payment_id, new Set(row.device_ids)]))
}

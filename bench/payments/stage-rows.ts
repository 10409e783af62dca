import type { Db } from '@caudal/postgres/types.ts'
import type { SeededUser } from 'caudal/demo-data/seed-users.ts'
import { percentiles } from 'caudal/traffic/percentiles.ts'
import { type Row, createRow } from '../row.ts'

/** Reports the latency of a payment's stages, from the times that its row stores. */
export async function stageRows(
  payments: Db,
  users: readonly SeededUser[],
  { perSecond, latencyMs }: { perSecond: number; latencyMs: number },
): Promise<Row[]> {
  const { rows } = await payments.query<{ hold_ms: number; psp_ms: number }>(
    `SELECT (extract(epoch FROM reserved_at - created_at) * 1000)::float8 AS hold_ms,
       (extract(epoch FROM finalized_at - reserved_at) * 1000)::float8 AS psp_ms
     FROM payments
     WHERE user_id = ANY($1::uuid[]) AND status = 'COMPLETED' AND reserved_at IS NOT NULL`,
    [users.map((user) => user.user_id)],
  )
  const suffix = latencyMs === 0 ? '' : `_psp_${latencyMs}ms`
  return [
    createRow(
      `stage_hold${suffix}`,
      perSecond,
      percentiles(rows.map((row) => row.hold_ms)),
      'from the request until payments has recorded the hold',
    ),
    createRow(
      `stage_psp${suffix}`,
      perSecond,
      percentiles(rows.map((row) => row.psp_ms)),
      "from the hold until payments has recorded the PSP's verdict",
    ),
  ]
}

import { setTimeout as delay } from 'node:timers/promises'
import type { Db } from '@caudal/postgres/types.ts'
import type { Databases } from './check.ts'
import { CONSUMERS, PUBLISHERS } from './outbox-checks.ts'

const INTERVAL_MS = 250
/** The system is still if so many observations in a row are equal. */
const EQUAL_OBSERVATIONS = 4

/**
 * `idle`: nothing changes and no work is open. `stuck`: nothing changes although work is open.
 * `busy`: there is traffic.
 */
export type Activity = 'idle' | 'stuck' | 'busy'

/** What the system has done so far, as a text to compare, and whether it has work to do. */
export type Observation = { snapshot: string; busy: boolean }

/**
 * Waits until the system is idle: no unpublished events, no open payments except those in doubt,
 * and no changes of offsets and outboxes. Without time to wait, nothing is known yet: undefined.
 */
export async function waitUntilIdle(
  databases: Databases,
  timeoutMs: number,
): Promise<Activity | undefined> {
  if (timeoutMs === 0) return undefined
  let last = ''
  let same = 0
  for (const deadline = Date.now() + timeoutMs; ; await delay(INTERVAL_MS)) {
    const { snapshot, busy } = await observe(databases)
    same = snapshot === last ? same + 1 : 0
    last = snapshot
    const still = same >= EQUAL_OBSERVATIONS
    if (still && !busy) return 'idle'
    if (Date.now() > deadline) return still ? 'stuck' : 'busy'
  }
}

/** Observes the system once: two equal snapshots mean that nothing moved in between. */
export async function observe(databases: Databases): Promise<Observation> {
  const of = (names: readonly (keyof Databases)[]): Db[] =>
    names.flatMap((name) => databases[name] ?? [])
  const published = await Promise.all(of(PUBLISHERS).map(outboxOf))
  const consumed = await Promise.all(of(CONSUMERS).map(offsetsOf))
  const open = databases.payments === undefined ? 0n : await countOpenPayments(databases.payments)
  const busy = open > 0n || published.some(({ waiting }) => waiting > 0n)
  const snapshot = [...published.map(({ last }) => last), ...consumed, open].join(' ')
  return { snapshot, busy }
}

async function countOpenPayments(payments: Db): Promise<bigint> {
  const { rows } = await payments.query<{ open: bigint }>(
    `SELECT count(*) AS open FROM payments
     WHERE finalized_at IS NULL AND status IN ('PENDING', 'RESERVED')`,
  )
  return rows[0]!.open
}

async function outboxOf(db: Db): Promise<{ last: bigint | null; waiting: bigint }> {
  const { rows } = await db.query<{ last: bigint | null; waiting: bigint }>(
    `SELECT pg_sequence_last_value('outbox_id_seq') AS last,
       (SELECT count(*) FROM outbox_unpublished) AS waiting`,
  )
  return rows[0]!
}

async function offsetsOf(db: Db): Promise<string> {
  const { rows } = await db.query<{ total: string }>(
    'SELECT coalesce(sum(next_offset), 0)::text AS total FROM consumer_offsets',
  )
  return rows[0]!.total
}

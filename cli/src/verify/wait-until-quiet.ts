import { setTimeout as delay } from 'node:timers/promises'
import type { Db } from '@caudal/postgres/types.ts'
import type { Databases } from './check.ts'
import { CONSUMERS, PUBLISHERS } from './outbox-checks.ts'

const INTERVAL_MS = 250
/** Nothing moves when so many looks in a row saw the same. */
const SAME_LOOKS = 4

/**
 * `quiet`: nothing moves and nothing is under way. `stuck`: nothing moves although something is
 * under way. `moving`: there is traffic.
 */
export type Stillness = 'quiet' | 'stuck' | 'moving'

/**
 * Waits until nothing moves: no unpublished event, no payment under way except those in doubt, and
 * offsets and outboxes that stand still.
 */
export async function waitUntilQuiet(databases: Databases, timeoutMs: number): Promise<Stillness> {
  let last = ''
  let same = 0
  for (const deadline = Date.now() + timeoutMs; ; await delay(INTERVAL_MS)) {
    const { trace, busy } = await look(databases)
    same = trace === last ? same + 1 : 0
    last = trace
    const still = same >= SAME_LOOKS
    if (still && !busy) return 'quiet'
    if (Date.now() > deadline) return still ? 'stuck' : 'moving'
  }
}

async function look(databases: Databases): Promise<{ trace: string; busy: boolean }> {
  const of = (names: readonly (keyof Databases)[]): Db[] =>
    names.flatMap((name) => databases[name] ?? [])
  const published = await Promise.all(of(PUBLISHERS).map(outboxOf))
  const consumed = await Promise.all(of(CONSUMERS).map(offsetsOf))
  const open = databases.payments === undefined ? 0n : await underWay(databases.payments)
  const busy = open > 0n || published.some(({ waiting }) => waiting > 0n)
  const trace = [...published.map(({ last }) => last), ...consumed, open].join(' ')
  return { trace, busy }
}

async function underWay(payments: Db): Promise<bigint> {
  const { rows } = await payments.query<{ open: bigint }>(
    `SELECT count(*) AS open FROM payments WHERE status IN ('PENDING', 'RESERVED')`,
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

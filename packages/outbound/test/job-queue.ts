import { fileURLToPath } from 'node:url'
import { named, sql } from '@caudal/postgres/sql.ts'
import type { Db } from '@caudal/postgres/types.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { type TestScope, testDatabase } from '@caudal/testing/test-database.ts'
import type { Circuit } from '../src/circuit.ts'
import { createOutbound, guardedBy, type Outbound } from '../src/create-outbound.ts'
import { type Deadline, deadlineIn } from '../src/deadline.ts'

const jobMigrations = {
  name: 'jobs',
  dir: fileURLToPath(new URL('migrations', import.meta.url)),
}

export type PeerName = 'a' | 'b'
export type Call = {
  peer: PeerName
  id: number
  tenantId: string
  attempt: number
  deadline: Deadline
}
export type Answer = { id: number; attempt: number; answer: string; retryInMs: number | null }
export type Job = { attempts: number; answer: string | null; due: boolean }

export type QueueOptions = {
  call: (call: Call, signal: AbortSignal) => Promise<Answer>
  leaseMs?: number
  timeoutMs?: number
  most?: number
  circuit?: Circuit<Answer>
  record?: (answers: readonly Answer[]) => Promise<void>
}

/** An answer that ends the job. */
export function done({ id, attempt }: Call, answer = 'done'): Answer {
  return { id, attempt, answer, retryInMs: null }
}

function refused({ id, attempt }: Call): Answer {
  return { id, attempt, answer: 'refused', retryInMs: 50 }
}

/** A queue in a database of the test's own, and engines that serve it. */
export async function jobQueue(t: TestScope) {
  const { pool: db } = await testDatabase(t, { sets: [jobMigrations], name: 'outbound' })
  const faults: unknown[] = []
  return {
    db,
    faults,
    async add(count: number, { from = 1, peer = 'a', tenantId = 't' } = {}): Promise<void> {
      await db.query(sql`
        INSERT INTO jobs (id, tenant_id, peer)
        SELECT id, ${tenantId}, ${peer} FROM generate_series(${from}::int,
          ${from + count - 1}::int) AS id`)
    },
    async job(id: number): Promise<Job> {
      const { rows } = await db.query<Job>(sql`
        SELECT attempts, answer, due_at IS NOT NULL AS due FROM jobs WHERE id = ${id}`)
      return rows[0]!
    },
    async answered(): Promise<number> {
      const { rows } = await db.query<{ count: bigint }>(
        'SELECT count(*) AS count FROM jobs WHERE answer IS NOT NULL AND due_at IS NULL',
      )
      return Number(rows[0]!.count)
    },
    save: (answers: readonly Answer[]) => save(db, answers),
    start(options: QueueOptions): Outbound<PeerName, Call> {
      const { call, leaseMs = 60_000, timeoutMs = 30_000, most = 10, circuit, record } = options
      const engine: Outbound<PeerName, Call> = createOutbound<PeerName, Call, Answer>({
        peers: {
          a: circuit ? { most, guard: guardedBy(circuit, refused) } : { most },
          b: { most },
        },
        async claim() {
          const calls: Call[] = []
          const limits = { a: engine.room('a'), b: engine.room('b') }
          for (const peer of ['a', 'b'] as const) {
            const limit = limits[peer]
            if (limit > 0) calls.push(...(await claimDue(db, { peer, limit, leaseMs, timeoutMs })))
          }
          const more = calls.length > 0 || limits.a + limits.b === 0
          return { calls, count: calls.length, more }
        },
        call,
        record: record ?? ((answers) => save(db, answers)),
        onCallFault: (_call, fault) => faults.push(fault),
        onRecordFault: (_answers, fault) => faults.push(fault),
        pollMs: 50,
        logger: createLogger({ service: 'outbound', level: 'silent' }),
      })
      t.after(() => engine.stop(0))
      return engine
    },
  }
}

type Claim = { peer: PeerName; limit: number; leaseMs: number; timeoutMs: number }

/**
 * Tenants take turns: the first due row of each, then the second of each, and so on. Where other
 * processes hold all rows that are read of a tenant, the rest comes from behind these.
 */
async function claimDue(db: Db, { peer, limit, leaseMs, timeoutMs }: Claim): Promise<Call[]> {
  const statement = sql`
    WITH RECURSIVE tenants AS (
      (SELECT tenant_id FROM jobs WHERE due_at IS NOT NULL ORDER BY tenant_id LIMIT 1)
      UNION ALL
      SELECT (SELECT j.tenant_id FROM jobs j WHERE j.due_at IS NOT NULL
        AND j.tenant_id > t.tenant_id ORDER BY j.tenant_id LIMIT 1)
      FROM tenants t WHERE t.tenant_id IS NOT NULL
    ), turns AS (
      SELECT d.id, t.tenant_id,
        row_number() OVER (PARTITION BY t.tenant_id ORDER BY d.due_at, d.id) AS turn
      FROM tenants t CROSS JOIN LATERAL (
        SELECT id, due_at FROM jobs
        WHERE tenant_id = t.tenant_id AND peer = ${peer} AND due_at <= statement_timestamp()
        ORDER BY due_at, id LIMIT 2 * ${limit}::int
      ) d
    ), first AS (
      SELECT j.id FROM jobs j JOIN turns USING (id)
      WHERE j.due_at <= statement_timestamp()
      ORDER BY turns.turn LIMIT ${limit}::int
      FOR UPDATE OF j SKIP LOCKED
    ), rest AS (
      SELECT d.id FROM turns t CROSS JOIN LATERAL (
        SELECT id FROM jobs
        WHERE tenant_id = t.tenant_id AND peer = ${peer} AND due_at <= statement_timestamp()
          AND id <> ALL (ARRAY(SELECT id FROM first))
        ORDER BY due_at, id LIMIT ${limit}::int - (SELECT count(*) FROM first)
        FOR UPDATE SKIP LOCKED
      ) d
      WHERE t.turn = 2 * ${limit}::int LIMIT ${limit}::int - (SELECT count(*) FROM first)
    ), due AS (
      SELECT id FROM first UNION ALL SELECT id FROM rest
    )
    UPDATE jobs SET attempts = attempts + 1,
      due_at = statement_timestamp() + ${leaseMs} * interval '1 ms'
    FROM due WHERE jobs.id = due.id
    RETURNING jobs.id, tenant_id, attempts`
  const { rows } = await db.query<{ id: number; tenant_id: string; attempts: number }>(
    named('claim-jobs', statement),
  )
  return rows.map((row) => ({
    peer,
    id: row.id,
    tenantId: row.tenant_id,
    attempt: row.attempts,
    deadline: deadlineIn(timeoutMs),
  }))
}

async function save(db: Db, answers: readonly Answer[]): Promise<void> {
  await db.query(sql`
    UPDATE jobs SET answer = a.answer,
      due_at = statement_timestamp() + a.retry_in_ms * interval '1 ms'
    FROM unnest(${answers.map((it) => it.id)}::int[], ${answers.map((it) => it.attempt)}::int[],
      ${answers.map((it) => it.answer)}::text[], ${answers.map((it) => it.retryInMs)}::int[])
      AS a(id, attempt, answer, retry_in_ms)
    WHERE jobs.id = a.id AND jobs.attempts = a.attempt`)
}

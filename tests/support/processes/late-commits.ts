import { setTimeout as delay } from 'node:timers/promises'
import { connectAsAdmin } from '../database-server.ts'

const LONGEST_SECONDS = 0.25
const LOOK_AGAIN_MS = 10

/** A row of the outbox. */
export type OutboxRow = { id: string; eventId: string; topic: string; key: string }

/** Delayed commits of a service. */
export type LateCommits = {
  /** The rows so far that were committed after the relay had passed their ids. */
  late(): Promise<OutboxRow[]>
  /** Ends the delays; returns all rows of the outbox, ordered by id. */
  stop(): Promise<OutboxRow[]>
}

/**
 * Delays every transaction of a service for a random time between the assignment of outbox ids and
 * the commit, and records which ids the relay passes because of that.
 */
export async function delayCommits(dataDir: string, service: string): Promise<LateCommits> {
  const admin = await connectAsAdmin(dataDir, `caudal_${service}`)
  await admin.query(`
    CREATE FUNCTION wait_a_little() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_sleep(random() * ${LONGEST_SECONDS});
      RETURN NULL;
    END $$;
    CREATE TRIGGER wait_a_little AFTER INSERT ON outbox
      FOR EACH STATEMENT EXECUTE FUNCTION wait_a_little()`)
  const jumped = new Set<string>()
  let watching = true
  const watched = (async () => {
    while (watching) {
      const { rows } = await admin.query<{ id: string }>(
        `SELECT generate_series(m.first_id, m.last_id)::text AS id
         FROM outbox_progress p, unnest(p.missing_first, p.missing_last) AS m(first_id, last_id)`,
      )
      for (const { id } of rows) jumped.add(id)
      await delay(LOOK_AGAIN_MS)
    }
  })()
  const select = async (where: string, values: unknown[]): Promise<OutboxRow[]> => {
    const { rows } = await admin.query<OutboxRow>(
      `SELECT id::text, event_id::text AS "eventId", topic, record_key AS key
       FROM outbox WHERE ${where} ORDER BY outbox.id`,
      values,
    )
    return rows
  }
  return {
    late: () => select('id = ANY($1::bigint[])', [[...jumped]]),
    async stop() {
      watching = false
      await watched
      await admin.query('DROP TRIGGER wait_a_little ON outbox; DROP FUNCTION wait_a_little()')
      const rows = await select('true', [])
      await admin.end()
      return rows
    },
  }
}

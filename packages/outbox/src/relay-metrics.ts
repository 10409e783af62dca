import type { NewRecord } from '@caudal/event-log/event-log.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import type { ClientBase } from 'pg'

export type RelayMetrics = {
  published(records: readonly NewRecord[], oldestMs: number): void
  failed(): void
}

/** What a relay counts (P13, F9): events by topic, the age of the oldest, the backlog. */
export function createRelayMetrics(
  metrics: Metrics,
  client: () => ClientBase | undefined,
): RelayMetrics {
  const published = metrics.counter('events_published_total', 'Events published.', ['topic'])
  const failures = metrics.counter('relay_failures_total', 'Passes of the relay that failed.')
  const age = metrics.histogram('outbox_oldest_seconds', 'Age of the oldest event of a pass.')
  metrics.gauge('relay_active', 'Whether this process publishes the outbox.', [], (gauge) => {
    gauge.set(client() ? 1 : 0)
  })
  metrics.gauge('outbox_unpublished', 'Events that wait in the outbox.', [], async (gauge) => {
    const counted = await client()?.query<{ waiting: string }>(
      'SELECT count(*) AS waiting FROM outbox_unpublished',
    )
    if (counted) gauge.set(Number(counted.rows[0]!.waiting))
  })
  return {
    published: (records, oldestMs) => {
      age.observe(oldestMs / 1000)
      const counts = new Map<string, number>()
      for (const { topic } of records) counts.set(topic, (counts.get(topic) ?? 0) + 1)
      for (const [topic, count] of counts) published.inc({ topic }, count)
    },
    failed: () => failures.inc(),
  }
}

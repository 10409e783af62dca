import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { createObserver } from '../src/calls/observe.ts'
import type { Notification } from '../src/domain/notification.ts'
import { notificationMigrations } from '../src/migrations.ts'

test('each line about a notification names its payment, its trace and its actor', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: notificationMigrations, name: 'lines' })
  const lines: Record<string, unknown>[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const logger = createLogger({ service: 'notifications', destination })
  const observer = createObserver({ db, logger, metrics: createMetrics('notifications') })
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const notification: Notification = {
    key: newId(),
    paymentId: newId(),
    objectId: null,
    tenantId: 'caudal',
    userId: newId(),
    amount: '1.00',
    currency: 'USD',
    serviceName: 'Light',
    outcome: 'COMPLETED',
    traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
    finalizedAtMs: Date.now(),
    takenAtMs: Date.now(),
    attempt: 1,
    failures: 0,
    settled: new Map(),
  }
  const ended = { status: 'NO_DEVICE', retryInMs: null, failures: 0, detail: null } as const
  observer.tried(notification, ended, [])
  observer.malformedDevices(notification, 'a malformed device')
  observer.callFailed(notification, new Error('a bug'))
  assert.deepEqual(
    lines.map(({ message, payment_id, trace_id, actor }) => [message, payment_id, trace_id, actor]),
    [
      'notification tried',
      'could not use devices of the user service',
      'a try of a notification was aborted',
    ].map((message) => [
      message,
      notification.paymentId,
      traceId,
      { type: 'system', id: 'notifications' },
    ]),
  )
})

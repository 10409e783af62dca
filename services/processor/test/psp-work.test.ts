import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { testDatabase } from '@caudal/testing/test-database.ts'
import { watchPspStates } from '../src/calls/psp-states.ts'
import { startPspWork } from '../src/calls/psp-work.ts'
import { readConfig } from '../src/config.ts'
import { processorMigrations } from '../src/migrations.ts'

test('a question about the circuit of a bank that was never called makes no circuit', async (t) => {
  const { pool: db } = await testDatabase(t, { sets: processorMigrations, name: 'work' })
  const logger = createLogger({ service: 'processor', level: 'silent' })
  const states = await watchPspStates(db, logger)
  t.after(() => states.stop())
  const work = startPspWork({
    db,
    config: readConfig({ CAUDAL_PSP_URL: 'http://127.0.0.1:9' }),
    states,
    logger,
    metrics: createMetrics('processor'),
    wakeRelay: () => {},
  })
  t.after(() => work.stop())
  assert.equal(work.circuitModeOf({ tenant: 'a', destination: 'NEW' }, null), 'closed')
  assert.deepEqual([...(work.psps[0]?.circuitCounts() ?? [['closed', 1]])], [])
})

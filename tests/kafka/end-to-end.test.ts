import { globSync } from 'node:fs'
import { join } from 'node:path'
import { after } from 'node:test'
import { startKafka } from '../../tools/kafka/start-kafka.ts'
import { ROOT } from '../support/root.ts'

/**
 * Runs the end-to-end suite unchanged on a Kafka cluster of three brokers, with every service in
 * its own process. Tests of a single process, its embedded database or its embedded log are left
 * out.
 */
const LEFT_OUT = new Map([
  ['bad-input.test.ts', 'refused before anything reaches a log'],
  ['bad-tokens.test.ts', 'refused before anything reaches a log'],
  ['database-outage.test.ts', 'stops a server of its own, which ten processes do not use'],
  ['foreign-environment.test.ts', 'tests the command line and the embedded database'],
  ['interrupted-rebuild.test.ts', 'locks the embedded log to stop a rebuild half way'],
  ['start.test.ts', 'tests `npm start` with the embedded database'],
  ['statement-budget.test.ts', 'its budget counts the polls of one process, not of ten'],
  ['verify.test.ts', 'compares databases; payment-flow.test.ts verifies payments on Kafka'],
])

const kafka = await startKafka({ nodes: 3 })
after(() => kafka.stop())
process.env['CAUDAL_TEST_PROCESSES'] = 'true'
process.env['KAFKA_BROKERS'] = kafka.brokers.join(',')

const folder = join(ROOT, 'tests/e2e')
const files = globSync('*.test.ts', { cwd: folder }).filter((file) => !LEFT_OUT.has(file))
for (const file of files.toSorted()) await import(join(folder, file))

import { globSync } from 'node:fs'
import { join } from 'node:path'
import { after } from 'node:test'
import { startKafka } from '../../tools/kafka/start-kafka.ts'
import { ROOT } from '../support/root.ts'

/**
 * Runs the end-to-end suite unchanged on a Kafka cluster of three brokers, with every service in
 * its own process. Tests of a single process, its embedded database or its embedded log are left
 * out, and so is what other tests show on Kafka or what no log takes part in.
 */
const LEFT_OUT = new Map([
  ['bad-input.test.ts', 'refused before anything reaches a log'],
  ['bad-tokens.test.ts', 'refused before anything reaches a log'],
  ['callbacks.test.ts', 'money-comes-back.test.ts counts the callbacks that are applied'],
  ['command-line.test.ts', 'process-faults.test.ts runs the commands on Kafka'],
  ['database-outage.test.ts', 'stops a server of its own, which ten processes do not use'],
  ['foreign-environment.test.ts', 'tests the command line and the embedded database'],
  ['interrupted-rebuild.test.ts', 'locks the embedded log to stop a rebuild half way'],
  ['late-truth.test.ts', 'its events pass the log as those of refunds.test.ts do'],
  ['psp-behaviours.test.ts', 'money-comes-back.test.ts has the banks misbehave on Kafka'],
  ['restart.test.ts', 'process-faults.test.ts restarts the processes of services one by one'],
  ['second-psp.test.ts', 'money-comes-back.test.ts has half of its users at the second PSP'],
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

import { globSync } from 'node:fs'
import { join } from 'node:path'
import { after } from 'node:test'
import { startKafka } from '../../tools/kafka/start-kafka.ts'
import { ROOT } from '../support/root.ts'

/**
 * The end-to-end suite once more and unchanged, on a real Kafka of three brokers and with every
 * service in a process of its own. What is left out is about one process and its embedded
 * database.
 */
const LEFT_OUT = new Map([
  ['start.test.ts', '`npm start`, its welcome, and what it refuses: of the embedded system only'],
  ['statement-budget.test.ts', 'its budget counts polls of one process, not of ten'],
])

const kafka = await startKafka({ nodes: 3 })
after(() => kafka.stop())
process.env['CAUDAL_TEST_PROCESSES'] = 'true'
process.env['KAFKA_BROKERS'] = kafka.brokers.join(',')

const folder = join(ROOT, 'tests/e2e')
const files = globSync('*.test.ts', { cwd: folder }).filter((file) => !LEFT_OUT.has(file))
for (const file of files.toSorted()) await import(join(folder, file))

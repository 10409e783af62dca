// `npm run kafka [-- --nodes 3 --dir FOLDER]`: runs Kafka for development until Ctrl-C.
import { once } from 'node:events'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { startKafka } from './kafka/start-kafka.ts'

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1' },
    dir: { type: 'string' },
  },
})

if (values.nodes !== '1' && values.nodes !== '3') {
  console.error('--nodes must be 1 or 3.')
  process.exit(2)
}

try {
  const kafka = await startKafka({
    nodes: values.nodes === '3' ? 3 : 1,
    ...(values.dir !== undefined && { dir: resolve(process.env['INIT_CWD'] ?? '', values.dir) }),
  })
  console.log(`KAFKA_BROKERS=${kafka.brokers.join(',')}`)
  console.error('Kafka is ready. Press Ctrl-C to stop it.')
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  await kafka.stop()
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}

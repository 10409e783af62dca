// `node dying-relay.ts DATABASE_URL BROKERS`: a relay that is killed after it has published a batch
// and before it marks the batch as published.
import { openEventLog } from '@caudal/event-log/open-event-log.ts'
import { startRelay } from '@caudal/outbox/relay.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'

const [url = '', brokers = ''] = process.argv.slice(2)
const logger = createLogger({ service: 'dying-relay', level: 'warn' })
const kafka = { brokers: brokers.split(','), checkTopicsOnly: true }
const log = await openEventLog({ serverUrl: url, kafka }, logger)
const dying = {
  ...log,
  async append(records: Parameters<typeof log.append>[0]): Promise<void> {
    await log.append(records)
    process.kill(process.pid, 'SIGKILL')
  },
}
startRelay({ url, log: dying, logger, metrics: createMetrics('dying-relay') })
console.log('ready')

import { LOCAL_SOURCE } from '@caudal/event-log/consumer-id.ts'
import type { RecordPlace } from '@caudal/event-log/parked-list.ts'
import { UsageError } from '../errors.ts'

/** A parked record of one service. */
export type RecordId = { service: string; place: RecordPlace }

const FORM = /^([a-z-]+)(?:@([^:@]+))?:([^:]+):(\d{1,4}):(\d{1,18})$/

/**
 * The id of a parked record: `service:topic:partition:offset`, such as
 * `wallets:payments.results:3:1042`. A record of another region's log has its source behind the
 * service: `wallets@north:payments.results:3:1042`.
 *
 * @throws {UsageError}
 */
export function parseRecordId(text: string, services: readonly string[]): RecordId {
  const [, service, source = LOCAL_SOURCE, topic, partition, offset] = FORM.exec(text) ?? []
  if (service === undefined) {
    throw new UsageError(`${text} is not the id of a record: SERVICE:TOPIC:PARTITION:OFFSET`)
  }
  if (!services.includes(service)) {
    throw new UsageError(`${text}: the service must be one of ${services.join(', ')}`)
  }
  const place = { source, topic: topic!, partition: Number(partition), offset: BigInt(offset!) }
  return { service, place }
}

import { LOCAL_SOURCE } from './consumer-id.ts'
import type { RecordPlace } from './parked-list.ts'

/**
 * The id of a record that a service consumes: `service:topic:partition:offset`, such as
 * `wallets:payments.results:3:1042`. A record of another region's log has its source behind the
 * service: `wallets@north:payments.results:3:1042`.
 */
export function formatRecordId(service: string, place: RecordPlace): string {
  const { source, topic, partition, offset } = place
  const from = source === LOCAL_SOURCE ? service : `${service}@${source}`
  return `${from}:${topic}:${partition}:${offset}`
}

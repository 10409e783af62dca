import type { Consumer } from '@platformatic/kafka'
import { kafkaLogId, type LogIds } from '../log-identity.ts'

/** The identity of each topic: the cluster's id, and that which the topic got at its creation. */
export async function identifyTopics(client: Consumer, topics: readonly string[]): Promise<LogIds> {
  const { id: clusterId, topics: found } = await client.metadata({
    topics: [...topics],
    forceUpdate: true,
  })
  return new Map(topics.map((topic) => [topic, kafkaLogId(clusterId, found.get(topic)!.id)]))
}

import type { EventLog, Position, TopicPartition } from '../event-log.ts'

/**
 * The log under a prefix of its topics and groups, so that several systems can share a cluster; who
 * uses it sees the plain names.
 */
export function withPrefix(log: EventLog, prefix: string): EventLog {
  const inside = <T extends { topic: string }>(items: readonly T[]): T[] =>
    items.map((item) => ({ ...item, topic: prefix + item.topic }))
  const outside = <T extends { topic: string }>(items: readonly T[]): T[] =>
    items.map((item) => ({ ...item, topic: item.topic.slice(prefix.length) }))
  const ask = async (
    question: (partitions: readonly TopicPartition[]) => Promise<Position[]>,
    partitions: readonly TopicPartition[],
  ): Promise<Position[]> => outside(await question(inside(partitions)))
  return {
    append: (records) => log.append(inside(records)),
    read: async (positions, options) => outside(await log.read(inside(positions), options)),
    async join(group, topics, listen) {
      const names = topics.map((topic) => prefix + topic)
      const membership = await log.join(prefix + group, names, (partitions) =>
        listen(outside(partitions)),
      )
      return {
        report: (positions) => membership.report(inside(positions)),
        leave: () => membership.leave(),
      }
    },
    earliest: (partitions) => ask((all) => log.earliest(all), partitions),
    end: (partitions) => ask((all) => log.end(all), partitions),
    async identify(topics) {
      const ids = await log.identify(topics.map((topic) => prefix + topic))
      return new Map([...ids].map(([topic, id]) => [topic.slice(prefix.length), id]))
    },
    close: () => log.close(),
  }
}

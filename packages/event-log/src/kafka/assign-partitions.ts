import type { GroupPartitionsAssigner } from '@platformatic/kafka'

/**
 * Gives partition N of every topic to the same member, so that one process has all events of an
 * account and processes do not wait for each other's row locks. Only members that read a topic get
 * its partitions: while a new version rolls out, some members read topics that others do not know.
 */
export const assignPartitions: GroupPartitionsAssigner = (_current, members, topics, metadata) => {
  const ids = [...members.keys()].toSorted()
  const assigned = new Map(ids.map((id) => [id, new Map<string, number[]>()]))
  const wanted = new Set(ids.flatMap((id) => members.get(id)!.topics ?? []))
  for (const topic of [...wanted, ...topics]) {
    const readers = ids.filter((id) => members.get(id)!.topics?.includes(topic))
    const count = metadata.topics.get(topic)?.partitionsCount ?? 0
    for (const [index, id] of readers.entries()) {
      const partitions = Array.from({ length: count }, (_, partition) => partition)
      const mine = partitions.filter((partition) => partition % readers.length === index)
      assigned.get(id)!.set(topic, mine)
    }
  }
  return ids.map((memberId) => ({
    memberId,
    assignments: new Map(
      [...assigned.get(memberId)!].map(([topic, partitions]) => [topic, { topic, partitions }]),
    ),
  }))
}

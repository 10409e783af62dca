import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@caudal/testing/eventually.ts'
import type { Kafka } from '../../../tools/kafka/start-kafka.ts'

const TOPICS = 'org.apache.kafka.tools.TopicCommand'
const REASSIGN = 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand'
const ELECTION = 'org.apache.kafka.tools.LeaderElectionCommand'
const MOVED_MS = 60_000

type Place = { topic: string; partition: number; leader: number; replicas: number[] }

/** Every partition with who leads it now and who would by preference, which comes first. */
export async function placesOf(kafka: Kafka): Promise<Place[]> {
  const described = await kafka.tool(TOPICS, [...bootstrapOf(kafka), '--describe'])
  const line = /Topic: (\S+)\tPartition: (\d+)\tLeader: (\S+)\tReplicas: ([\d,]+)/g
  return [...described.matchAll(line)].map(([, topic, partition, leader, replicas]) => ({
    topic: topic!,
    partition: Number(partition),
    leader: Number(leader), // not a number while there is none
    replicas: replicas!.split(',').map(Number),
  }))
}

/**
 * Makes another broker the leader of every partition, those of Kafka's own topics too, while all
 * brokers live: the preferred one is changed, and elected. Resolves to how many have moved: all.
 */
export async function moveLeaders(kafka: Kafka): Promise<number> {
  const before = await placesOf(kafka)
  const partitions = before.map(({ topic, partition, leader, replicas }) => {
    const others = replicas.filter((id) => id !== leader)
    return { topic, partition, replicas: [...others, leader] }
  })
  const dir = await mkdtemp(join(tmpdir(), 'caudal-test-leaders-'))
  try {
    const file = join(dir, 'plan.json')
    await writeFile(file, JSON.stringify({ version: 1, partitions }))
    const plan = ['--reassignment-json-file', file, '--execute']
    await kafka.tool(REASSIGN, [...bootstrapOf(kafka), ...plan])
  } finally {
    await rm(dir, { recursive: true })
  }
  const led = new Map(before.map((it) => [`${it.topic} ${it.partition}`, it.leader]))
  return eventually(
    async () => {
      await electPreferred(kafka)
      const now = await placesOf(kafka)
      const moved = now.filter((it) => {
        const old = led.get(`${it.topic} ${it.partition}`)
        return it.leader === it.replicas[0] && it.leader !== old
      })
      assert.equal(moved.length, before.length)
      return moved.length
    },
    { timeoutMs: MOVED_MS, label: 'every partition has another leader' },
  )
}

/** Fails where a preferred leader is not in sync yet. */
export async function electPreferred(kafka: Kafka): Promise<void> {
  const all = ['--election-type', 'preferred', '--all-topic-partitions']
  await kafka.tool(ELECTION, [...bootstrapOf(kafka), ...all])
}

function bootstrapOf({ brokers }: Kafka): string[] {
  return ['--bootstrap-server', brokers.join(',')]
}

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

type Placement = { topic: string; partition: number; leader: number; replicas: number[] }

/** Every partition with its leader and its replicas, the preferred leader first. */
export async function placementsOf(kafka: Kafka): Promise<Placement[]> {
  const described = await kafka.tool(TOPICS, [...bootstrapOf(kafka), '--describe'])
  const line = /Topic: (\S+)\tPartition: (\d+)\tLeader: (\S+)\tReplicas: ([\d,]+)/g
  return [...described.matchAll(line)].map(([, topic, partition, leader, replicas]) => ({
    topic: topic!,
    partition: Number(partition),
    leader: Number(leader), // NaN while there is no leader
    replicas: replicas!.split(',').map(Number),
  }))
}

/**
 * Makes another broker the leader of every partition, including Kafka's own topics, while all
 * brokers run: changes the preferred leader and elects it. Returns the number of partitions.
 */
export async function moveLeaders(kafka: Kafka): Promise<number> {
  const before = await placementsOf(kafka)
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
      const now = await placementsOf(kafka)
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

/** Elects the preferred leaders; fails if one is not in sync. */
export async function electPreferred(kafka: Kafka): Promise<void> {
  const all = ['--election-type', 'preferred', '--all-topic-partitions']
  await kafka.tool(ELECTION, [...bootstrapOf(kafka), ...all])
}

function bootstrapOf({ brokers }: Kafka): string[] {
  return ['--bootstrap-server', brokers.join(',')]
}

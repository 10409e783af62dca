import { setTimeout as delay } from 'node:timers/promises'
import { PARTITION_COUNT } from '@caudal/contracts/topics.ts'
import { Admin, type ClusterMetadata, ConfigResourceTypes } from '@platformatic/kafka'
import { EventLogError } from '../event-log-error.ts'
import { clientOptions, heedErrors } from './client-options.ts'
import { asEventLogError, isAnswer } from './kafka-errors.ts'
import type { KafkaSettings } from './kafka-settings.ts'

const RETRIES = { retries: 10, retryDelay: 500 }
const COPIES = 3
const APPEAR_WITHIN_MS = 20_000
const LOOK_AGAIN_MS = 100

// The log rebuilds the services, so nothing of it may ever go: neither by age nor by size, and no
// record may make another one of its key superfluous.
const KEPT_FOR_EVER = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
} as const

const IN_SYNC = 'min.insync.replicas'

/**
 * Creates the topics that are not there, unless it may only check, and compares all with what they
 * must be. Processes that start together may all try; one of them succeeds.
 *
 * @throws {EventLogError} naming each topic that differs: what was wanted and what was found
 */
export async function ensureTopics(
  settings: KafkaSettings,
  clientId: string,
  topics: readonly string[],
): Promise<void> {
  const admin = heedErrors(
    new Admin({ ...clientOptions(settings, `${clientId}-topics`), ...RETRIES }),
  )
  try {
    const present = new Set(await admin.listTopics({}))
    const missing = topics.filter((topic) => !present.has(topic))
    if (settings.checkTopicsOnly && missing.length > 0) {
      throw misconfigured(missing.map((topic) => `${topic} is not there`))
    }
    const wanted = await wantedCopies(admin, settings)
    await Promise.all(missing.map((topic) => createTopic(admin, topic, wanted)))
    const metadata = await metadataOf(admin, topics)
    const problems = [
      ...comparePlacement(metadata, topics, wanted.copies),
      ...(await compareSettings(admin, topics, wanted.inSync)),
    ]
    if (problems.length > 0) throw misconfigured(problems)
  } catch (error) {
    throw asEventLogError(error, 'could not prepare the topics')
  } finally {
    await admin.close().catch(() => {})
  }
}

type Copies = { copies: number; inSync: number }

async function wantedCopies(admin: Admin, settings: KafkaSettings): Promise<Copies> {
  const { brokers } = await admin.metadata({ topics: [] })
  const copies = settings.replicationFactor ?? Math.min(COPIES, brokers.size)
  return { copies, inSync: settings.minInSyncReplicas ?? Math.max(1, copies - 1) }
}

async function createTopic(admin: Admin, topic: string, { copies, inSync }: Copies): Promise<void> {
  const configs = Object.entries({ ...KEPT_FOR_EVER, [IN_SYNC]: String(inSync) })
  try {
    await admin.createTopics({
      topics: [{ topic, partitions: PARTITION_COUNT, replicas: copies }],
      configs: configs.map(([name, value]) => ({ name, value })),
    })
  } catch (error) {
    // Another process was faster, or this one, and its first answer was lost.
    if (!isAnswer(error, 'TOPIC_ALREADY_EXISTS')) throw error
  }
}

/** A topic that was just created is not known to every broker at once. */
async function metadataOf(admin: Admin, topics: readonly string[]): Promise<ClusterMetadata> {
  const deadlineMs = performance.now() + APPEAR_WITHIN_MS
  for (;;) {
    try {
      const metadata = await admin.metadata({ topics: [...topics], forceUpdate: true })
      const led = topics.every((topic) =>
        metadata.topics.get(topic)?.partitions.every(({ leader }) => leader >= 0),
      )
      if (led || performance.now() > deadlineMs) return metadata
    } catch (error) {
      if (performance.now() > deadlineMs) throw error
    }
    await delay(LOOK_AGAIN_MS)
  }
}

/** More copies than wanted are fine; another number of partitions never is (rule 3). */
function comparePlacement(
  { topics: found }: ClusterMetadata,
  topics: readonly string[],
  copies: number,
): string[] {
  return topics.flatMap((topic) => {
    const { partitions, partitionsCount } = found.get(topic)!
    const fewest = Math.min(...partitions.map(({ replicas }) => replicas.length))
    return [
      ...(partitionsCount === PARTITION_COUNT
        ? []
        : [`${topic}: ${PARTITION_COUNT} partitions wanted, ${partitionsCount} found`]),
      ...(fewest >= copies ? [] : [`${topic}: ${copies} replicas wanted, ${fewest} found`]),
    ]
  })
}

async function compareSettings(
  admin: Admin,
  topics: readonly string[],
  inSync: number,
): Promise<string[]> {
  const keys = [...Object.keys(KEPT_FOR_EVER), IN_SYNC]
  const described = await admin.describeConfigs({
    resources: topics.map((resourceName) => ({
      resourceType: ConfigResourceTypes.TOPIC,
      resourceName,
      configurationKeys: keys,
    })),
  })
  return described.flatMap(({ resourceName: topic, configs }) => {
    const found = new Map(configs.map(({ name, value }) => [name, value ?? '']))
    const problems = Object.entries(KEPT_FOR_EVER)
      .filter(([name, wanted]) => found.get(name) !== wanted)
      .map(([name, wanted]) => `${topic}: ${name} ${wanted} wanted, ${found.get(name)} found`)
    const copies = Number(found.get(IN_SYNC))
    if (copies >= inSync) return problems
    return [...problems, `${topic}: ${IN_SYNC} ${inSync} wanted, ${copies} found`]
  })
}

function misconfigured(problems: readonly string[]): EventLogError {
  const list = problems.map((problem) => `  ${problem}`).join('\n')
  return new EventLogError('TOPIC_MISCONFIGURED', `the topics are not as they must be:\n${list}`)
}

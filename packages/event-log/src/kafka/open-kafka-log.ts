import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { TOPICS } from '@caudal/contracts/topics.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { Consumer } from '@platformatic/kafka'
import type { EventLog } from '../event-log.ts'
import { clientOptions, heedErrors } from './client-options.ts'
import { ensureTopics } from './ensure-topics.ts'
import { GroupMember } from './group-member.ts'
import { identifyTopics } from './identify-topics.ts'
import { KafkaAppender } from './kafka-appender.ts'
import { asEventLogError } from './kafka-errors.ts'
import { createKafkaIncidents, type KafkaIncidents } from './kafka-incidents.ts'
import { KafkaReader } from './kafka-reader.ts'
import type { KafkaSettings } from './kafka-settings.ts'
import { listOffsets } from './list-offsets.ts'

export type KafkaLogOptions = {
  settings: KafkaSettings
  logger: Logger
  metrics: Metrics
  topics?: readonly string[]
}

const RETRIES = { retries: 3, retryDelay: 250 }

/**
 * The log in Kafka, for systems of more than one machine (ADR 0003, ADR 0012).
 *
 * @throws {EventLogError} when no broker can be reached, or a topic is not as it must be
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<EventLog> {
  const { settings, logger, metrics, topics = Object.values(TOPICS) } = options
  const clientId = `caudal-${hostname()}-${randomBytes(3).toString('hex')}`
  await ensureTopics(settings, clientId, topics)
  const incidents = createKafkaIncidents(metrics, logger)
  const appender = new KafkaAppender(settings, clientId, incidents)
  const readers = openReaders(settings, clientId, incidents)
  const asker = heedErrors(
    new Consumer({
      ...clientOptions(settings, `${clientId}-ask`),
      ...RETRIES,
      groupId: `${clientId}-ask`, // never joined
    }),
  )
  return {
    append: (records) => appender.append(records),
    read: readers.read,
    join: async (group, groupTopics, listen) => {
      const member = new GroupMember({
        settings,
        clientId,
        group,
        topics: groupTopics,
        listen,
        incidents,
      })
      member.join()
      return member
    },
    earliest: (partitions) => asEventLogFault(listOffsets(asker, partitions, 'earliest')),
    end: (partitions) => asEventLogFault(listOffsets(asker, partitions, 'end')),
    identify: (names) => asEventLogFault(identifyTopics(asker, names)),
    close: async () => {
      await Promise.all([appender.close(), readers.close(), asker.close(true).catch(() => {})])
    },
  }
}

/** Each read under way has a reader of its own; the usual single caller gets the same each time. */
function openReaders(
  settings: KafkaSettings,
  clientId: string,
  incidents: KafkaIncidents,
): Pick<EventLog, 'read' | 'close'> {
  const all: KafkaReader[] = []
  const idle: KafkaReader[] = []
  const open = (): KafkaReader => {
    const reader = new KafkaReader(settings, clientId, incidents)
    all.push(reader)
    return reader
  }
  return {
    read: async (positions, options) => {
      const reader = idle.pop() ?? open()
      try {
        return await reader.read(positions, options)
      } finally {
        idle.push(reader)
      }
    },
    close: async () => {
      await Promise.all(all.map((reader) => reader.close()))
    },
  }
}

function asEventLogFault<T>(answer: Promise<T>): Promise<T> {
  return answer.catch((error: unknown) => {
    throw asEventLogError(error, 'could not ask for topics and offsets')
  })
}

import { EventLogError } from './event-log-error.ts'

/**
 * Which log a topic is in, for durable positions: `embedded:<id of the log>` or `kafka:<id of the
 * cluster>/<id of the topic>` (ADR 0021). A topic that is deleted and created again is another
 * one.
 */
export type LogId = string

/** The identity of each topic, by name. */
export type LogIds = ReadonlyMap<string, LogId>

/** @returns the identity of a topic of the embedded log */
export function embeddedLogId(logId: string): LogId {
  return `embedded:${logId}`
}

/** @returns the identity of a topic in Kafka */
export function kafkaLogId(clusterId: string, topicId: string): LogId {
  return `kafka:${clusterId}/${topicId}`
}

/**
 * Compares the log of this start with the one that is known, topic by topic.
 *
 * @throws {EventLogError} OTHER_LOG, with a message that states what to do
 */
export function refuseOtherLog(owner: string, known: LogIds, here: LogIds): void {
  for (const [topic, id] of known) {
    const found = here.get(topic)
    if (found !== undefined && found !== id) {
      throw new EventLogError('OTHER_LOG', explain(owner, topic, { known: id, found }))
    }
  }
}

function explain(
  owner: string,
  topic: string,
  { known, found }: { known: LogId; found: LogId },
): string {
  const [was, is] = [parse(known), parse(found)]
  const points = `${owner} belongs to ${was.log}`
  if (was.kind === 'embedded' && is.kind === 'kafka') {
    return (
      `${points}, but KAFKA_BROKERS names ${is.log}. Start without KAFKA_BROKERS, or move the ` +
      'log: stop all services and run "caudal move-log --to kafka".'
    )
  }
  if (was.kind === 'kafka' && is.kind === 'embedded') {
    return (
      `${points}, but this start uses ${is.log}. Set KAFKA_BROKERS (and KAFKA_PREFIX, if it had ` +
      'one) to that cluster.'
    )
  }
  if (was.kind === 'kafka' && was.log === is.log) {
    return (
      `${points} with another topic ${topic} than the one there now: KAFKA_PREFIX differs, or ` +
      'the topic was deleted and created again. Set KAFKA_PREFIX to what it was, or restore ' +
      'the topic.'
    )
  }
  const variable = was.kind === 'kafka' ? 'KAFKA_BROKERS' : 'CAUDAL_LOG_DATABASE_URL'
  return `${points}, but this start uses ${is.log}. Set ${variable} to the log that it had.`
}

function parse(id: LogId): { kind: 'embedded' | 'kafka'; log: string } {
  const [kind, name = ''] = id.split(/:(.*)/s)
  if (kind === 'embedded') return { kind, log: `the embedded event log ${name}` }
  return { kind: 'kafka', log: `the Kafka cluster ${name.split('/')[0]}` }
}

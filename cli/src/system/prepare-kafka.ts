import { readEnvironment } from '@caudal/config/environment.ts'
import { type KafkaConfig, readKafkaConfig } from '@caudal/config/kafka-config.ts'
import { TOPICS } from '@caudal/contracts/topics.ts'
import {
  accessCommands,
  type AccessRule,
  accessRules,
  applyAccessRules,
} from '@caudal/event-log/kafka/access-rules.ts'
import { ensureTopics } from '@caudal/event-log/kafka/ensure-topics.ts'
import type { KafkaSettings } from '@caudal/event-log/kafka/kafka-settings.ts'
import { toKafkaSettings } from '@caudal/service/to-kafka-settings.ts'

/** Creates the topics of the Kafka that the environment names; resolves to their names. */
export async function createTopics(): Promise<string[]> {
  const config = readConfig()
  const topics = Object.values(TOPICS).map((topic) => (config.prefix ?? '') + topic)
  await ensureTopics(creatingSettings(config), 'caudal', topics)
  return topics
}

/**
 * The settings of a command whose purpose needs topics. KAFKA_TOPICS is for services: its `check`
 * forbids them to create topics, but not an operator who asks for them.
 */
export function creatingSettings(config: KafkaConfig): KafkaSettings {
  return { ...toKafkaSettings(config), checkTopicsOnly: false }
}

/** The access rules of all services, and as calls of Kafka's tool; created if `apply` is true. */
export async function grantKafkaAccess(
  principalOf: (service: string) => string,
  apply: boolean,
): Promise<{ rules: AccessRule[]; commands: string[] }> {
  const config = readConfig()
  const rules = accessRules(config.prefix ?? '', principalOf)
  if (apply) await applyAccessRules(toKafkaSettings(config), rules)
  return { rules, commands: accessCommands(rules, config.brokers) }
}

/** @throws {ConfigError} */
function readConfig(): KafkaConfig {
  return readEnvironment(process.env, readKafkaConfig)!
}

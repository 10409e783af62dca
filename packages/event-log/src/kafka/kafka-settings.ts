import type { ConnectionOptions } from 'node:tls'

/** PLAIN and SCRAM have a name and a password, OAUTHBEARER asks for a token when it needs one. */
export type KafkaSasl =
  | {
      mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
      username: string
      password: string
    }
  | { mechanism: 'OAUTHBEARER'; token: () => Promise<string> }

export const KAFKA_COMPRESSIONS = ['none', 'gzip', 'lz4', 'zstd'] as const
export type KafkaCompression = (typeof KAFKA_COMPRESSIONS)[number]

/** Which Kafka, and how. Everything but the brokers has a default. */
export type KafkaSettings = {
  /** `host:port`, some of the cluster; the others are learned from them. */
  brokers: readonly string[]
  /** PEM texts; an empty object is TLS with the system's authorities. */
  tls?: Pick<ConnectionOptions, 'ca' | 'cert' | 'key'> & { serverName?: string }
  sasl?: KafkaSasl
  compression?: KafkaCompression
  /** Before the names of topics and groups, where several systems share a cluster. */
  prefix?: string
  /** Only compare the topics with what they should be: for a role that may not create them. */
  checkTopicsOnly?: boolean
  /** Copies of each record; default three, or as many as there are brokers. */
  replicationFactor?: number
  /** Copies that must be there before a record counts; default one less than all, at least one. */
  minInSyncReplicas?: number
  /** A member that sends no heartbeat for so long loses its partitions; default 6 s. */
  sessionTimeoutMs?: number
  /** An append that is not acknowledged by then fails; default 30 s. */
  appendTimeoutMs?: number
}

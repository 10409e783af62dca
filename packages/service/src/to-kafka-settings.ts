import { readFile } from 'node:fs/promises'
import type { KafkaConfig, KafkaLogin, KafkaTokens } from '@caudal/config/kafka-config.ts'
import type { KafkaSasl, KafkaSettings } from '@caudal/event-log/kafka/kafka-settings.ts'
import { createServiceTokenSource } from '@caudal/http/service-token-source.ts'

/** The configuration of the log's driver: with a token source instead of a secret. */
export function toKafkaSettings({ login, ...config }: KafkaConfig): KafkaSettings {
  return { ...config, ...(login && { sasl: saslOf(login) }) }
}

function saslOf(login: KafkaLogin): KafkaSasl {
  if (login.mechanism !== 'OAUTHBEARER') return login
  return { mechanism: login.mechanism, token: tokenSource(login.tokens) }
}

/** Called at each connection, and again before the broker ends a session whose token expires. */
function tokenSource(tokens: KafkaTokens): () => Promise<string> {
  if ('tokenFile' in tokens) {
    return async () => (await readFile(tokens.tokenFile, 'utf8')).trim()
  }
  const source = createServiceTokenSource(tokens)
  return () => source()
}

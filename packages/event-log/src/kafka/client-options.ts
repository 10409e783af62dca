import { isIP } from 'node:net'
import {
  AuthenticationError,
  type Base,
  type BaseOptions,
  type SASLOptions,
} from '@platformatic/kafka'
import type { KafkaSettings } from './kafka-settings.ts'

const CONNECT_TIMEOUT_MS = 2_000
const REQUEST_TIMEOUT_MS = 8_000

/** What all clients of a log have in common. */
export function clientOptions(settings: KafkaSettings, clientId: string): BaseOptions {
  const { brokers, tls, sasl } = settings
  const { serverName, ...certificates } = tls ?? {}
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    // Without it most options are not validated at all.
    strict: true,
    autocreateTopics: false,
    connectTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    ...(tls && { tls: certificates, tlsServerName: serverName ?? !brokers.some(isAddress) }),
    ...(sasl && { sasl: { ...sasl, authBytesValidator: readVerdict } }),
  }
}

/**
 * The client listens to the first error of a connection only. A second one, such as a reset behind
 * a refused login, would end the process. Each request fails with the error anyway.
 */
export function heedErrors<C extends Pick<Base, 'connections'>>(client: C): C {
  client.connections.on('connecting', ({ connection }) => connection.on('error', () => {}))
  return client
}

/** TLS names no server by an address (RFC 6066); the certificate is compared with it anyway. */
function isAddress(broker: string): boolean {
  return isIP(broker.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')) !== 0
}

/** A broker that refuses a token explains it in an answer that is not empty (RFC 7628 3.2.2). */
const readVerdict: NonNullable<SASLOptions['authBytesValidator']> = (answer, callback) => {
  const verdict = answer.toString()
  if (!verdict.startsWith('{')) callback(null, answer)
  else callback(new AuthenticationError(`SASL authentication failed: ${verdict}`))
}

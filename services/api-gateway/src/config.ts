import type { KeyObject } from 'node:crypto'
import { type EnvironmentReader, readEnvironment } from '@caudal/config/environment.ts'
import {
  NO_GATEWAY,
  readIssuerSettings,
  readPeerUrl,
  readServiceSettings,
  type ServiceSettings,
} from '@caudal/config/service-settings.ts'
import { CALLBACK_PEER } from './http/pass-callbacks.ts'
import { peersOf, PUBLIC_ROUTES, type PeerName } from './http/public-routes.ts'
import { readPrivateKeys } from './tokens/signing-keys.ts'

export interface Config extends ServiceSettings {
  identityIssuer: string
  identityJwksUrl: string
  identityRevocationsUrl?: string
  /** `aud` that users' tokens must carry. */
  audience: string
  /** `iss` of the tokens that the gateway signs for the services behind it. */
  gatewayIssuer: string
  /** The first one signs. Without one, a key is made at start. */
  signingKeys: readonly KeyObject[]
  /** The services behind the gateway, and the limits of each. */
  peers: {
    urls: ReadonlyMap<PeerName, string>
    connections: number
    timeoutMs: number
    maxPending: number
  }
  /** For each user. */
  rateLimit: { ratePerSecond: number; burst: number }
  /** Where all gateways count a user's rate together; without it each counts alone. */
  redis: { url: string; timeoutMs: number } | undefined
  bodyLimitBytes: number
  /** For callbacks of PSPs, which have no user: the rate of each address, and the largest body. */
  callbacks: { ratePerSecond: number; burst: number; bodyLimitBytes: number }
}

const MAX_CONNECTIONS = 4_096
const MAX_PENDING = 100_000
const MAX_RATE = 1_000_000
const BODY_LIMIT_BYTES = 256 * 1024
const MAX_BODY_LIMIT_BYTES = 1024 * 1024
/** What the processor accepts. */
const CALLBACK_LIMIT_BYTES = 256 * 1024

/** @throws {ConfigError} naming every bad variable at once */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return readEnvironment(env, (reader) => {
    const issuers = readIssuerSettings(reader)
    const { identityIssuer, identityJwksUrl, identityRevocationsUrl, gatewayIssuer } = issuers
    if (gatewayIssuer === null) {
      reader.refuse('CAUDAL_GATEWAY_ISSUER', `must not be ${NO_GATEWAY}: this is the gateway`)
    }
    return {
      ...readServiceSettings(reader, 'API_GATEWAY'),
      identityIssuer,
      identityJwksUrl,
      ...(identityRevocationsUrl !== undefined && { identityRevocationsUrl }),
      audience: issuers.audience,
      gatewayIssuer: gatewayIssuer ?? NO_GATEWAY,
      signingKeys: readSigningKeys(reader),
      peers: {
        urls: readPeerUrls(reader),
        connections: count(reader, 'CAUDAL_GATEWAY_PEER_CONNECTIONS', MAX_CONNECTIONS, 256),
        timeoutMs: reader.durationMs('CAUDAL_GATEWAY_PEER_TIMEOUT', 10_000),
        maxPending: count(reader, 'CAUDAL_GATEWAY_PEER_MAX_PENDING', MAX_PENDING, 5_000),
      },
      rateLimit: {
        ratePerSecond: count(reader, 'CAUDAL_GATEWAY_RATE_PER_SECOND', MAX_RATE, 500),
        burst: count(reader, 'CAUDAL_GATEWAY_RATE_BURST', MAX_RATE, 1_000),
      },
      redis: readRedis(reader),
      callbacks: {
        ratePerSecond: count(reader, 'CAUDAL_GATEWAY_CALLBACK_RATE_PER_SECOND', MAX_RATE, 1_000),
        burst: count(reader, 'CAUDAL_GATEWAY_CALLBACK_RATE_BURST', MAX_RATE, 2_000),
        bodyLimitBytes: count(
          reader,
          'CAUDAL_GATEWAY_CALLBACK_BODY_LIMIT_BYTES',
          CALLBACK_LIMIT_BYTES,
          CALLBACK_LIMIT_BYTES,
        ),
      },
      bodyLimitBytes: count(
        reader,
        'CAUDAL_GATEWAY_BODY_LIMIT_BYTES',
        MAX_BODY_LIMIT_BYTES,
        BODY_LIMIT_BYTES,
      ),
    }
  })
}

function readPeerUrls(reader: EnvironmentReader): Map<PeerName, string> {
  const url = (peer: PeerName): string =>
    readPeerUrl(reader, peer.toUpperCase() as Uppercase<PeerName>)
  const peers = new Set([...peersOf(PUBLIC_ROUTES), CALLBACK_PEER])
  return new Map([...peers].map((peer) => [peer, url(peer)]))
}

function readRedis(reader: EnvironmentReader): Config['redis'] {
  const timeoutMs = reader.durationMs('CAUDAL_GATEWAY_REDIS_TIMEOUT', 50)
  if (reader.optional('REDIS_URL') === undefined) return undefined
  return { url: reader.url('REDIS_URL', undefined, ['redis', 'rediss']), timeoutMs }
}

function count(reader: EnvironmentReader, name: string, max: number, fallback: number): number {
  return reader.integer(name, { min: 1, max }, fallback)
}

function readSigningKeys(reader: EnvironmentReader): KeyObject[] {
  const text = reader.optional('CAUDAL_GATEWAY_SIGNING_KEY')
  if (text === undefined) return []
  try {
    return readPrivateKeys(text)
  } catch {
    reader.refuse('CAUDAL_GATEWAY_SIGNING_KEY', 'must be a P-256 private key as JWK, JWKS or PEM')
    return []
  }
}

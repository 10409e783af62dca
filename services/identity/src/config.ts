import { type EnvironmentReader, readEnvironment } from '@caudal/config/environment.ts'
import { isLoopback } from '@caudal/config/is-loopback.ts'
import {
  type DatabaseSettings,
  readDatabaseSettings,
  readServiceSettings,
  type ServiceSettings,
} from '@caudal/config/service-settings.ts'
import { CLIENT_PATTERN, DEFAULT_TENANT, TENANT_PATTERN } from '@caudal/contracts/tenant.ts'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { ALL_SCOPES, DEVELOPMENT_LOGIN } from './domain/access-token.ts'
import type { Client } from './domain/client.ts'

export type Config = ServiceSettings &
  DatabaseSettings & {
    /** The `iss` of every token: a name, not an address. */
    issuer: string
    clients: readonly Client[]
    developmentLogin: boolean
    behindProxy: boolean
    /** Its address for others, in the metadata; without it that of the request. */
    publicUrl?: string
  }

const CLIENTS = 'CAUDAL_IDENTITY_CLIENTS'

const Clients = Compile(
  Type.Array(
    Type.Object(
      {
        client_id: Type.String({ pattern: CLIENT_PATTERN }),
        client_secret: Type.String({ pattern: '^[\\x21-\\x7e]{16,256}$' }),
        scopes: Type.Array(Type.Enum([...ALL_SCOPES]), { minItems: 1 }),
        grants: Type.Optional(Type.Array(Type.Enum(['client_credentials', DEVELOPMENT_LOGIN]))),
        tenant_id: Type.Optional(Type.String({ pattern: TENANT_PATTERN })),
      },
      { additionalProperties: false },
    ),
    { maxItems: 1_000 },
  ),
)

/** @throws {ConfigError} naming every bad variable at once; secrets are never shown */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return readEnvironment(env, (reader) => {
    const settings = readServiceSettings(reader, 'IDENTITY')
    return {
      ...settings,
      ...readPublicUrl(reader),
      ...readDatabaseSettings(reader, 'IDENTITY'),
      issuer: reader.url('CAUDAL_ISSUER', 'https://identity.caudal.local'),
      clients: readClients(reader),
      developmentLogin: readDevelopmentLogin(reader, settings.host),
      behindProxy: reader.flag('CAUDAL_IDENTITY_BEHIND_PROXY', false),
    }
  })
}

/**
 * Development login makes tokens of every user without a password: on a network, the secret of one
 * client would open every wallet. So identity must listen on a loopback address.
 */
function readDevelopmentLogin(reader: EnvironmentReader, host: string): boolean {
  const name = 'CAUDAL_DEVELOPMENT_LOGIN'
  const isOn = reader.flag(name, false)
  if (isOn && !isLoopback(host)) {
    reader.refuse(
      name,
      'is refused because identity listens on an address that is not loopback: set it to false, ' +
        'or set CAUDAL_IDENTITY_HOST to 127.0.0.1 (other services may keep CAUDAL_HOST)',
    )
  }
  return isOn
}

/** `CAUDAL_IDENTITY_PUBLIC_URL`, or the address that the peers use. */
function readPublicUrl(reader: EnvironmentReader): { publicUrl?: string } {
  const names = ['CAUDAL_IDENTITY_PUBLIC_URL', 'CAUDAL_IDENTITY_URL']
  const name = names.find((one) => reader.optional(one) !== undefined)
  return name === undefined ? {} : { publicUrl: reader.url(name) }
}

function readClients(reader: EnvironmentReader): Client[] {
  const clients = parse(reader.text(CLIENTS))
  if (clients === undefined || !Clients.Check(clients)) {
    const [first] = clients === undefined ? [] : Clients.Errors(clients)
    const where = first ? `: ${first.instancePath} ${first.message}` : ''
    reader.refuse(CLIENTS, `must be a JSON array of clients${where}`)
    return []
  }
  const names = new Set(clients.map((client) => client.client_id))
  if (names.size < clients.length) reader.refuse(CLIENTS, 'names a client twice')
  return clients.map((client) => ({
    clientId: client.client_id,
    clientSecret: client.client_secret,
    scopes: client.scopes,
    grants: client.grants ?? ['client_credentials'],
    tenantId: client.tenant_id ?? DEFAULT_TENANT,
  }))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

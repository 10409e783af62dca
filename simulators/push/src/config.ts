import { type EnvironmentReader, readEnvironment } from '@caudal/config/environment.ts'
import {
  readDatabaseSettings,
  readServiceSettings,
  type ServiceSettings,
} from '@caudal/config/service-settings.ts'

/** The simulator's configuration. */
export interface Config extends ServiceSettings {
  databaseUrl: string
  /** Refuses a role that owns the tables (ADR 0030). */
  refuseOwner: boolean
  /** `tls` names PEM files; without it, APNs is HTTP/2 in clear text (h2c). */
  apns: { port: number; tls: { certFile: string; keyFile: string } | undefined }
}

const APNS_PORT = 8089
const CERT = 'CAUDAL_PUSH_APNS_TLS_CERT_FILE'
const KEY = 'CAUDAL_PUSH_APNS_TLS_KEY_FILE'

/**
 * Reads the configuration from the environment.
 *
 * @throws {ConfigError} naming every invalid variable
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return readEnvironment(env, (reader) => {
    const { databaseUrl, refuseOwner = false } = readDatabaseSettings(reader, 'PUSH')
    return {
      ...readServiceSettings(reader, 'PUSH'),
      databaseUrl,
      refuseOwner,
      apns: { port: reader.port('CAUDAL_PUSH_APNS_PORT', APNS_PORT), tls: readTls(reader) },
    }
  })
}

function readTls(reader: EnvironmentReader): Config['apns']['tls'] {
  const certFile = reader.optional(CERT)
  const keyFile = reader.optional(KEY)
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile }
  if (certFile !== undefined) reader.refuse(KEY, `is required when ${CERT} is set`)
  if (keyFile !== undefined) reader.refuse(CERT, `is required when ${KEY} is set`)
  return undefined
}

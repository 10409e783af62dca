import { type EnvironmentReader, readEnvironment } from '@caudal/http/environment.ts'
import {
  readDatabaseSettings,
  readServiceSettings,
  type ServiceSettings,
} from '@caudal/http/service-settings.ts'

/** How the simulator runs. */
export interface Config extends ServiceSettings {
  databaseUrl: string
  database: string
  /** The server as the role that owns the tables; absent when the simulator must not migrate. */
  migrationUrl: string | undefined
  /** `tls` names PEM files; without it APNs is spoken in clear text (h2c). */
  apns: { port: number; tls: { certFile: string; keyFile: string } | undefined }
}

const APNS_PORT = 8089
const CERT = 'CAUDAL_PUSH_APNS_TLS_CERT_FILE'
const KEY = 'CAUDAL_PUSH_APNS_TLS_KEY_FILE'

/** @throws {ConfigError} naming every variable that is wrong */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return readEnvironment(env, (reader) => {
    const { databaseUrl, database, migrationUrl } = readDatabaseSettings(reader, 'PUSH')
    return {
      ...readServiceSettings(reader, 'PUSH'),
      databaseUrl,
      database,
      migrationUrl,
      apns: { port: reader.port('CAUDAL_PUSH_APNS_PORT', APNS_PORT), tls: readTls(reader) },
    }
  })
}

function readTls(reader: EnvironmentReader): Config['apns']['tls'] {
  const certFile = reader.optional(CERT)
  const keyFile = reader.optional(KEY)
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile }
  if (certFile !== undefined) reader.refuse(KEY, `is missing, while ${CERT} is there`)
  if (keyFile !== undefined) reader.refuse(CERT, `is missing, while ${KEY} is there`)
  return undefined
}

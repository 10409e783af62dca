import { readEnvironment } from '@caudal/config/environment.ts'
import {
  type DatabaseSettings,
  type IssuerSettings,
  readDatabaseSettings,
  readIssuerSettings,
  readServiceSettings,
  type ServiceSettings,
} from '@caudal/config/service-settings.ts'

export type Config = ServiceSettings & DatabaseSettings & IssuerSettings

/** @throws {ConfigError} naming every bad variable at once */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return readEnvironment(env, (reader) => ({
    ...readServiceSettings(reader, 'ORDERS'),
    ...readDatabaseSettings(reader, 'ORDERS'),
    ...readIssuerSettings(reader),
  }))
}

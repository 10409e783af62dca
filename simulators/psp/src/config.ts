import { type EnvironmentReader, readEnvironment } from '@caudal/config/environment.ts'
import { readDatabaseSettings, readServiceSettings } from '@caudal/config/service-settings.ts'
import { readBehaviour } from '@caudal/simulator-kit/read-behaviour.ts'
import type { SimulatorConfig } from '@caudal/simulator-kit/start-simulator.ts'
import type { CallbackSettings } from './signed-callbacks.ts'

/** The simulator's configuration. */
export interface Config extends SimulatorConfig {
  /** Where callbacks go until the first PUT /admin/callbacks. */
  callbacks: CallbackSettings
}

/**
 * Reads the configuration from the environment.
 *
 * @throws {ConfigError} naming every invalid variable
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return readEnvironment(env, (reader) => {
    const { databaseUrl, refuseOwner = false } = readDatabaseSettings(reader, 'PSP')
    return {
      ...readServiceSettings(reader, 'PSP'),
      databaseUrl,
      refuseOwner,
      behaviour: readBehaviour(reader, 'CAUDAL_PSP_SIMULATOR'),
      callbacks: readCallbacks(reader),
    }
  })
}

/** The secrets are separated by commas, so that one can take the place of another. */
function readCallbacks(reader: EnvironmentReader): CallbackSettings {
  const name = 'CAUDAL_PSP_SIMULATOR_CALLBACK_URL'
  if (reader.optional(name) === undefined) return { url: null, secrets: [] }
  const secrets = reader.secret('CAUDAL_PSP_SIMULATOR_CALLBACK_SECRETS').split(',')
  return { url: reader.url(name), secrets }
}

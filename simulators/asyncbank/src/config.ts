import { type EnvironmentReader, readEnvironment } from '@caudal/config/environment.ts'
import { readDatabaseSettings, readServiceSettings } from '@caudal/config/service-settings.ts'
import { readBehaviour } from '@caudal/simulator-kit/read-behaviour.ts'
import type { SimulatorConfig } from '@caudal/simulator-kit/start-simulator.ts'
import { type BatchSettings, newKey } from './signed-batches.ts'

/** The simulator's configuration. */
export interface Config extends SimulatorConfig {
  /** What clients send as x-api-key. */
  apiKey: string
  /** Where callbacks go until the first PUT /admin/callbacks. */
  callbacks: BatchSettings
}

const NAME = 'ASYNCBANK'
const PREFIX = 'CAUDAL_ASYNCBANK_SIMULATOR'
const DEFAULT_API_KEY = 'asyncbank-simulator'
const KEY = /^[A-Za-z0-9+/]{43}=$/

/**
 * Reads the configuration from the environment.
 *
 * @throws {ConfigError} naming every invalid variable
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return readEnvironment(env, (reader) => {
    const { databaseUrl, refuseOwner = false } = readDatabaseSettings(reader, NAME)
    return {
      ...readServiceSettings(reader, NAME),
      databaseUrl,
      refuseOwner,
      behaviour: readBehaviour(reader, PREFIX),
      apiKey: reader.secret(`${PREFIX}_API_KEY`, DEFAULT_API_KEY),
      callbacks: readCallbacks(reader),
    }
  })
}

/** A bank that is not configured to send makes a key, which a PUT with an address stores. */
function readCallbacks(reader: EnvironmentReader): BatchSettings {
  const [url, name] = [`${PREFIX}_CALLBACK_URL`, `${PREFIX}_CALLBACK_KEY`]
  const keyid = reader.text(`${PREFIX}_CALLBACK_KEYID`, 'k1')
  if (reader.optional(url) === undefined) return { url: null, keyid, key: newKey() }
  const key = reader.secret(name)
  if (key !== '' && !KEY.test(key)) reader.refuse(name, 'must be 32 bytes in base64')
  return { url: reader.url(url), keyid, key }
}

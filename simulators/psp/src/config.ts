import { type EnvironmentReader, readEnvironment } from '@caudal/config/environment.ts'
import {
  readDatabaseSettings,
  readServiceSettings,
  type ServiceSettings,
} from '@caudal/config/service-settings.ts'
import { type BehaviourSettings, completeSettings } from './domain/behaviour-settings.ts'
import { parseBehaviour } from './domain/behaviour.ts'

/** The simulator's configuration. */
export interface Config extends ServiceSettings {
  databaseUrl: string
  /** Refuses a role that owns the tables (ADR 0030). */
  refuseOwner: boolean
  /** The behaviour until the first PUT /admin/behaviour. */
  behaviour: BehaviourSettings
}

const MAX_LATENCY_MS = 60_000
const MAX_SEED = 2 ** 32 - 1

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
      behaviour: readBehaviour(reader),
    }
  })
}

function readBehaviour(reader: EnvironmentReader): BehaviourSettings {
  const name = 'CAUDAL_PSP_SIMULATOR_BEHAVIOUR'
  const fallback = reader.text(name, 'approve')
  if (parseBehaviour(fallback) === null) reader.refuse(name, 'is not a known behaviour')
  const latency = { min: 0, max: MAX_LATENCY_MS }
  return completeSettings({
    default: fallback,
    latency_ms: reader.integer('CAUDAL_PSP_SIMULATOR_LATENCY_MS', latency, 0),
    seed: reader.integer('CAUDAL_PSP_SIMULATOR_SEED', { min: 0, max: MAX_SEED }, 1),
  })
}

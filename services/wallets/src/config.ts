import { readEnvironment } from '@caudal/config/environment.ts'
import {
  type DatabaseSettings,
  type IssuerSettings,
  readDatabaseSettings,
  readIssuerSettings,
  readServiceSettings,
  type ServiceSettings,
} from '@caudal/config/service-settings.ts'
import type { NamedPolicy } from './commands/policy-book.ts'
import { readPolicies } from './commands/read-policies.ts'

export interface Config extends ServiceSettings, DatabaseSettings, IssuerSettings {
  /** Commands of HTTP clients that share one transaction, at most. */
  batchCommands: number
  /**
   * Commands that one tenant may have waiting in a lane; all tenants together twice as many. More
   * are refused as OVERLOADED (F7).
   */
  queueCommands: number
  /** How long a key gives its answer again: 30 days at least (F2). */
  keyDays: number
  /** What clients may do beside their scopes (ADR 0025). */
  clientPolicies: readonly NamedPolicy[]
}

const BATCH_COMMANDS = 1_000
const QUEUE_COMMANDS = 10_000
const KEY_DAYS = 30

/** @throws {ConfigError} naming every bad variable at once */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return readEnvironment(env, (reader) => ({
    ...readServiceSettings(reader, 'WALLETS'),
    ...readDatabaseSettings(reader, 'WALLETS'),
    ...readIssuerSettings(reader),
    batchCommands: reader.integer(
      'CAUDAL_WALLETS_BATCH_COMMANDS',
      { min: 1, max: 10_000 },
      BATCH_COMMANDS,
    ),
    queueCommands: reader.integer(
      'CAUDAL_WALLETS_QUEUE_COMMANDS',
      { min: 1, max: 1_000_000 },
      QUEUE_COMMANDS,
    ),
    clientPolicies: readPolicies(reader),
    keyDays: reader.integer('CAUDAL_WALLETS_KEY_DAYS', { min: 30, max: 3_650 }, KEY_DAYS),
  }))
}

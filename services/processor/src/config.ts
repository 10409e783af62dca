import { readEnvironment } from '@caudal/config/environment.ts'
import {
  type DatabaseSettings,
  type IssuerSettings,
  readDatabaseSettings,
  readIssuerSettings,
  readServiceSettings,
  type ServiceSettings,
} from '@caudal/config/service-settings.ts'
import type { Route } from './domain/route.ts'
import { type PspSettings, readPsps } from './psp/psp-settings.ts'
import { readRoutes } from './psp/read-routes.ts'

export interface Config extends ServiceSettings, DatabaseSettings, IssuerSettings {
  /** The default PSP, the first of `psps`. */
  psp: PspSettings
  psps: readonly PspSettings[]
  /** Which PSPs a payment may go to; the default PSP where none matches. */
  routes: readonly Route[]
}

/** @throws {ConfigError} naming every bad variable at once */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return readEnvironment(env, (reader) => {
    const psps = readPsps(reader)
    return {
      ...readServiceSettings(reader, 'PROCESSOR'),
      ...readDatabaseSettings(reader, 'PROCESSOR'),
      ...readIssuerSettings(reader),
      psp: psps[0],
      psps,
      routes: readRoutes(reader, psps),
    }
  })
}

import { fileURLToPath } from 'node:url'

/** Tables that a consuming service needs in its own database: offsets and parked records. */
export const consumerMigrations = {
  name: 'consumer',
  dir: fileURLToPath(new URL('../migrations/consumer', import.meta.url)),
}

/** The log of the postgres driver, in a database of its own. */
export const logMigrations = {
  name: 'log',
  dir: fileURLToPath(new URL('../migrations/log', import.meta.url)),
}

import { fileURLToPath } from 'node:url'
import { outboxMigrations } from '@caudal/outbox/migrations.ts'

/** Everything that the identity database needs. */
export const identityMigrations = [
  outboxMigrations,
  {
    name: 'identity',
    dir: fileURLToPath(new URL('../migrations', import.meta.url)),
    // `devices` has the tokens of push services.
    secretTables: ['signing_keys', 'oidc_objects', 'devices'],
  },
]

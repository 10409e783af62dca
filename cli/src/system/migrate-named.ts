import { checkServer } from './check-server.ts'
import {
  logDatabaseOf,
  migrateServices,
  migrationTargets,
  type MigrationTarget,
} from './migrate-services.ts'

/**
 * Migrates the databases of the named services, and the log, as the environment names them.
 *
 * @throws {Error} if the server is unreachable or roles do not exist
 */
export async function migrateNamed(
  ownerUrl: string,
  { names, withdraw }: { names: readonly string[]; withdraw: readonly string[] },
): Promise<MigrationTarget[]> {
  await checkServer('CAUDAL_MIGRATION_DATABASE_URL', ownerUrl)
  const targets = migrationTargets(names, process.env)
  const logDatabase = logDatabaseOf(process.env)
  await migrateServices({ ownerUrl, targets, logDatabase, withdraw })
  return targets
}

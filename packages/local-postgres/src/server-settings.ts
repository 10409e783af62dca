import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** PostgreSQL's settings by name, as in postgresql.conf. */
export type ServerSettings = Record<string, string>

/** For a developer's machine with two cores and a few gigabytes of memory. */
const DEFAULTS: ServerSettings = {
  // Durability: everything that was acknowledged is on the disk (rule 15).
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',

  max_connections: '200',
  shared_buffers: '512MB',
  effective_cache_size: '1GB',
  work_mem: '16MB',
  maintenance_work_mem: '128MB',
  wal_compression: 'off',
  wal_buffers: '16MB',
  // A new WAL file is not filled with zeros first, because that delayed all commits.
  wal_init_zero: 'off',
  min_wal_size: '512MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
  // The ledger and the outbox are append-only. Vacuuming them after inserts took a tenth of a core
  // under load; they are frozen when their age requires it.
  autovacuum_vacuum_insert_threshold: '-1',
  random_page_cost: '1.1',
  // The statements are short, and compiling them costs more than it saves.
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

/** The settings of a server: the defaults, overridden by `wanted`. */
export async function serverSettings(
  installation: string,
  wanted: ServerSettings,
): Promise<ServerSettings> {
  return {
    ...DEFAULTS,
    ...((await hasStatistics(installation)) && {
      shared_preload_libraries: 'pg_stat_statements',
      'pg_stat_statements.track': 'all',
      'pg_stat_statements.max': '10000',
    }),
    ...wanted,
  }
}

async function hasStatistics(installation: string): Promise<boolean> {
  const names = await readdir(join(installation, 'lib', 'postgresql')).catch(() => [])
  return names.some((name) => name.startsWith('pg_stat_statements.'))
}

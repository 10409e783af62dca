import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** PostgreSQL's settings by name, as in postgresql.conf. */
export type Settings = Record<string, string>

/** For a developer's machine of two cores and a few gigabytes. */
const DEFAULTS: Settings = {
  // Promises to the user: what was answered is on the disk.
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
  // A new file of the log is written once, not first with zeros: that held everybody's commit up.
  wal_init_zero: 'off',
  min_wal_size: '512MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
  // The books and the outbox only grow: reading them once more to mark them as seen by all took a
  // tenth of a core under load. They are frozen when their age asks for it.
  autovacuum_vacuum_insert_threshold: '-1',
  random_page_cost: '1.1',
  // Our statements are short; compiling them costs more than it saves.
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
}

/** The settings of a server, with `wanted` over the defaults. */
export async function serverSettings(installation: string, wanted: Settings): Promise<Settings> {
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

import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { migrate, type MigrationSet } from '@caudal/postgres/migrate.ts'
import type { Client } from 'pg'
import type { TestServer } from './test-server.ts'

/** The first half of the advisory lock's key; the second half identifies the template. */
const LOCK_CLASS = 0x7e57

/**
 * Returns the name of a template database that has all of `sets`. The first caller migrates it,
 * once per run; other callers, also in other processes, wait for it.
 */
export async function templateDatabase(
  server: TestServer,
  admin: Client,
  sets: readonly MigrationSet[],
): Promise<string> {
  const hash = await hashOf(sets)
  const name = `template_${hash.toString('hex', 0, 8)}`
  const lock = [LOCK_CLASS, hash.readInt32BE(0)]
  if (await isReady(admin, name)) return name
  await admin.query('SELECT pg_advisory_lock($1, $2)', lock)
  try {
    if (await isReady(admin, name)) return name
    // Removes the incomplete template of a test process that died.
    await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    await migrate({ adminUrl: server.ownerUrl, database: name, sets, roles: ['caudal_app'] })
    await admin.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true`)
  } finally {
    await admin.query('SELECT pg_advisory_unlock($1, $2)', lock)
  }
  return name
}

/** IS_TEMPLATE is set last, so it means that all migrations succeeded. */
async function isReady(admin: Client, name: string): Promise<boolean> {
  const text = 'SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate'
  return (await admin.query(text, [name])).rows.length > 0
}

async function hashOf(sets: readonly MigrationSet[]): Promise<Buffer> {
  const hash = createHash('sha256')
  for (const { name, dir } of sets) {
    hash.update(`\0set ${name}`)
    for (const file of (await readdir(dir)).toSorted()) {
      hash.update(`\0file ${file}\0`).update(await readFile(join(dir, file)))
    }
  }
  return hash.digest()
}

import { clientConfig } from '@caudal/postgres/client-config.ts'
import pg from 'pg'
import { ADMIN_ROLE, OWNER_ROLE, type Passwords } from './cluster-state.ts'

/**
 * Creates the roles of a Caudal server if they do not exist: the owner creates databases and owns
 * their tables; the others have what the migrations grant. Also enables pg_stat_statements in the
 * database `postgres` if the server has it.
 */
export async function ensureRoles(adminUrl: string, passwords: Passwords): Promise<void> {
  const client = new pg.Client(clientConfig(adminUrl, { applicationName: 'caudal-start' }))
  // If the server dies, the statement in progress fails; this event needs no handling.
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rows } = await client.query<{ rolname: string }>('SELECT rolname FROM pg_roles')
    const present = new Set(rows.map((row) => row.rolname))
    for (const [role, secret] of Object.entries(passwords)) {
      if (role === ADMIN_ROLE || present.has(role)) continue
      const rights = role === OWNER_ROLE ? 'LOGIN CREATEDB' : 'LOGIN'
      const name = client.escapeIdentifier(role)
      await client.query(`CREATE ROLE ${name} ${rights} PASSWORD ${client.escapeLiteral(secret)}`)
    }
    const preloaded = await client.query<{ shared_preload_libraries: string }>(
      'SHOW shared_preload_libraries',
    )
    if (preloaded.rows[0]?.shared_preload_libraries.includes('pg_stat_statements')) {
      await client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements')
    }
  } finally {
    await client.end()
  }
}

import pg from 'pg'
import { APP_ROLE, OWNER_ROLE, type ClusterState } from './cluster-state.ts'

/**
 * The two roles of a Caudal server: the owner creates databases and owns their tables, the app runs
 * with what the migrations grant it. Also makes statement statistics readable in the database
 * `postgres`, where the server can count them.
 */
export async function ensureRoles(
  adminUrl: string,
  passwords: ClusterState['passwords'],
): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl, application_name: 'caudal-start' })
  // A server that dies fails the statement that is under way, which is enough said.
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rows } = await client.query<{ rolname: string }>('SELECT rolname FROM pg_roles')
    const present = new Set(rows.map((row) => row.rolname))
    for (const [role, rights] of [
      [OWNER_ROLE, 'LOGIN CREATEDB'],
      [APP_ROLE, 'LOGIN'],
    ] as const) {
      if (present.has(role)) continue
      const password = client.escapeLiteral(passwords[role])
      await client.query(`CREATE ROLE ${role} ${rights} PASSWORD ${password}`)
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

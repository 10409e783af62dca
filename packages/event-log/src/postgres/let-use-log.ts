import { FIRST_ROLE } from '@caudal/postgres/grant-access.ts'
import { sql } from '@caudal/postgres/sql.ts'
import pg from 'pg'

/** What a role does with the embedded log. */
export type LogUser = { role: string; appends: readonly string[]; reads: boolean }

/**
 * Lets a role append to its topics, by the function `append_records` only, and read the log if it
 * consumes. Runs as the owner of the log's tables and is repeatable.
 */
export async function letUseLog(
  owner: Pick<pg.ClientBase, 'query'>,
  { role, appends, reads }: LogUser,
): Promise<void> {
  const grantee = pg.escapeIdentifier(role)
  // Release 0.1.0 appends by statements of its own.
  if (role !== FIRST_ROLE && !(await ownsLog(owner, role))) {
    const revoked = 'INSERT, UPDATE, DELETE, TRUNCATE'
    await owner.query(`REVOKE ${revoked} ON log_partitions, log_records FROM ${grantee}`)
    if (!reads) await owner.query(`REVOKE SELECT ON log_records FROM ${grantee}`)
  }
  await owner.query(`GRANT SELECT ON log_partitions, log_identity, log_moves TO ${grantee}`)
  if (reads) await owner.query(`GRANT SELECT ON log_records TO ${grantee}`)
  const { rows } = await owner.query<{ name: string }>(
    `SELECT oid::regprocedure::text AS name FROM pg_proc WHERE proname = 'append_records'`,
  )
  for (const { name } of rows) {
    await owner.query(`GRANT EXECUTE ON FUNCTION ${name} TO ${grantee}`)
  }
  await owner.query(sql`
    DELETE FROM log_writers WHERE role_name = ${role} AND topic <> ALL(${appends}::text[])`)
  await owner.query(sql`
    INSERT INTO log_writers (role_name, topic) SELECT ${role}, unnest(${appends}::text[])
    ON CONFLICT DO NOTHING`)
}

async function ownsLog(owner: Pick<pg.ClientBase, 'query'>, role: string): Promise<boolean> {
  const { rows } = await owner.query<{ owns: boolean }>(sql`
    SELECT pg_has_role(${role}::name, relowner, 'USAGE') AS owns
    FROM pg_class WHERE oid = 'log_records'::regclass`)
  return rows[0]!.owns
}

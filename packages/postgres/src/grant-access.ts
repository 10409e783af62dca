import pg from 'pg'

/** Who may reach a database. */
export type DatabaseAccess = {
  /** The roles that services connect as. */
  roles: readonly string[]
  /** The role of operators' commands. */
  operator: string | undefined
  /** Roles of services that the database had before, such as `caudal_app` of release 0.1.0. */
  prior: readonly string[]
}

/** What migrations made: the names of their sets, and tables that the operator may not read. */
type Made = { sets: readonly string[]; secretTables: readonly string[] }

/** The role that all services shared in release 0.1.0. */
export const FIRST_ROLE = 'caudal_app'

/**
 * The roles that this service had before, other than `known`, and that were not withdrawn: those
 * that an earlier migration recorded, and the one of release 0.1.0. A role that an operator let in
 * is none of them, so no service gets what that one may do.
 */
export async function priorRoles(
  owner: pg.ClientBase,
  known: readonly (string | undefined)[],
): Promise<string[]> {
  const { rows } = await owner.query<{ name: string }>(
    `SELECT r.rolname AS name FROM pg_namespace n, aclexplode(n.nspacl) a
     JOIN pg_roles r ON r.oid = a.grantee
     WHERE n.nspname = 'public' AND a.privilege_type = 'USAGE' AND r.oid <> n.nspowner
       AND NOT r.rolsuper AND r.rolname <> current_user AND r.rolname <> ALL($1::text[])
       AND (r.rolname = $2 OR r.rolname IN (SELECT role_name FROM service_roles))`,
    [known.filter((role) => role !== undefined), FIRST_ROLE],
  )
  return rows.map(({ name }) => name)
}

/** Creates the table in which migrations record the roles of their service. */
export async function createServiceRoles(owner: pg.ClientBase): Promise<void> {
  await owner.query('CREATE TABLE IF NOT EXISTS service_roles (role_name name PRIMARY KEY)')
}

/** Records roles of the service, for a later migration that gives their rights to another role. */
async function recordRoles(owner: pg.ClientBase, roles: readonly string[]): Promise<void> {
  await owner.query('INSERT INTO service_roles SELECT unnest($1::name[]) ON CONFLICT DO NOTHING', [
    roles,
  ])
}

// Rights that the prior roles have and the role in $1 lacks. A database that release 0.1.0 made
// granted them to caudal_app; the files that did are not run again for another role.
const MISSING_RIGHTS = `
  WITH prior AS (SELECT oid FROM pg_roles WHERE rolname = ANY($2::text[])),
  relations AS (
    SELECT * FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
  )
  SELECT format('GRANT %s ON %s TO %I', a.privilege_type, r.oid::regclass, $1::text) AS statement
  FROM relations r, aclexplode(r.relacl) a
  WHERE a.grantee IN (SELECT oid FROM prior)
    AND NOT has_table_privilege($1::name, r.oid, a.privilege_type)
  UNION
  SELECT format('GRANT %s (%I) ON %s TO %I', a.privilege_type, c.attname, r.oid::regclass, $1::text)
  FROM relations r JOIN pg_attribute c ON c.attrelid = r.oid, aclexplode(c.attacl) a
  WHERE a.grantee IN (SELECT oid FROM prior)
    AND NOT has_column_privilege($1::name, r.oid, c.attnum, a.privilege_type)
  UNION
  SELECT format('GRANT EXECUTE ON FUNCTION %s TO %I', p.oid::regprocedure, $1::text)
  FROM pg_proc p, aclexplode(p.proacl) a
  WHERE p.pronamespace = 'public'::regnamespace AND a.grantee IN (SELECT oid FROM prior)
    AND NOT has_function_privilege($1::name, p.oid, 'EXECUTE')`

// Functions that every role may still call, because no statement took that from PUBLIC.
const PUBLIC_FUNCTIONS = `
  SELECT p.oid::regprocedure::text AS name FROM pg_proc p
  WHERE p.pronamespace = 'public'::regnamespace AND (p.proacl IS NULL OR EXISTS
    (SELECT FROM aclexplode(p.proacl) a WHERE a.grantee = 0))
    AND p.proowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)`

const READABLE = `
  SELECT r.oid::regclass::text AS name FROM pg_class r
  WHERE r.relnamespace = 'public'::regnamespace AND r.relkind IN ('r', 'p', 'v')
    AND NOT r.relispartition AND r.relname <> ALL($2::text[])
    AND NOT has_table_privilege($1::name, r.oid, 'SELECT')`

/**
 * Lets only these roles connect, gives a new role of the service what the prior ones have, and lets
 * the operator read. Runs as the owner and is repeatable; takes nothing from the prior roles.
 */
export async function grantAccess(
  owner: pg.ClientBase,
  { roles, operator, prior }: DatabaseAccess,
  { sets, secretTables }: Made,
): Promise<void> {
  await recordRoles(owner, roles)
  const all = [...roles, ...prior].map((role) => pg.escapeIdentifier(role)).join(', ')
  for (const role of roles) {
    const missing = await owner.query<{ statement: string }>(MISSING_RIGHTS, [role, prior])
    for (const { statement } of missing.rows) await owner.query(statement)
  }
  const functions = await owner.query<{ name: string }>(PUBLIC_FUNCTIONS)
  for (const { name } of functions.rows) {
    await owner.query(`GRANT EXECUTE ON FUNCTION ${name} TO ${all}`)
    await owner.query(`REVOKE ALL ON FUNCTION ${name} FROM PUBLIC`)
  }
  for (const name of sets) {
    await owner.query(`GRANT SELECT ON ${pg.escapeIdentifier(`migrations_${name}`)} TO ${all}`)
  }
  if (operator !== undefined) await letRead(owner, operator, secretTables)
  const connecting = operator === undefined ? all : `${all}, ${pg.escapeIdentifier(operator)}`
  const database = pg.escapeIdentifier(await currentDatabase(owner))
  await owner.query(`GRANT CONNECT ON DATABASE ${database} TO ${connecting}`)
  await owner.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`)
}

async function letRead(
  owner: pg.ClientBase,
  operator: string,
  secretTables: readonly string[],
): Promise<void> {
  const { rows } = await owner.query<{ name: string }>(READABLE, [operator, secretTables])
  const role = pg.escapeIdentifier(operator)
  for (const { name } of rows) await owner.query(`GRANT SELECT ON ${name} TO ${role}`)
  // One that an earlier release did not know to be secret.
  for (const name of secretTables) {
    await owner.query(`REVOKE ALL ON ${pg.escapeIdentifier(name)} FROM ${role}`)
  }
}

/** Takes everything in this database from roles that are no longer those of its service. */
export async function withdrawAccess(
  owner: pg.ClientBase,
  roles: readonly string[],
): Promise<void> {
  const { rows } = await owner.query<{ name: string }>(
    'SELECT rolname AS name FROM pg_roles WHERE rolname = ANY($1::text[])',
    [roles],
  )
  await owner.query('DELETE FROM service_roles WHERE role_name = ANY($1::name[])', [roles])
  const database = pg.escapeIdentifier(await currentDatabase(owner))
  for (const role of rows.map(({ name }) => pg.escapeIdentifier(name))) {
    await owner.query(`REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ${role}`)
    await owner.query(`REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM ${role}`)
    await owner.query(`REVOKE ALL ON SCHEMA public FROM ${role}`)
    await owner.query(`REVOKE ALL ON DATABASE ${database} FROM ${role}`)
  }
}

async function currentDatabase(owner: pg.ClientBase): Promise<string> {
  const { rows } = await owner.query<{ name: string }>('SELECT current_database() AS name')
  return rows[0]!.name
}

import { ROLES } from '@caudal/contracts/service-access.ts'

/** The role that owns the databases; only `caudal migrate` connects as it. */
const OWNER_ROLE = 'caudal_owner'

/** The roles that the script creates. */
export function roleNames(): string[] {
  return [OWNER_ROLE, ...ROLES]
}

/**
 * The SQL that creates the roles of a system, for the administrator of a server. It can be run
 * again, and sets no password: `\password ROLE` in psql does, or another way to log in.
 */
export function roleScript(): string {
  return `-- Run as an administrator of the server, then give each role a password or a certificate.
DO $$ BEGIN
${[[OWNER_ROLE, 'LOGIN CREATEDB'] as const, ...ROLES.map((role) => [role, 'LOGIN'] as const)]
  .map(
    ([role, rights]) =>
      `  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${role}') THEN\n` +
      `    CREATE ROLE ${role} ${rights};\n  END IF;`,
  )
  .join('\n')}
END $$;
`
}

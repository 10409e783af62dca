import type { ClientBase } from 'pg'

/** An object that is not part of PostgreSQL or of an extension. */
const FOREIGN = `
  SELECT FROM pg_class WHERE oid >= 16384 AND NOT EXISTS
    (SELECT FROM pg_depend d WHERE d.objid = pg_class.oid AND d.deptype = 'e')
  UNION ALL
  SELECT FROM pg_proc WHERE oid >= 16384 AND NOT EXISTS
    (SELECT FROM pg_depend d WHERE d.objid = pg_proc.oid AND d.deptype = 'e')
  UNION ALL
  SELECT FROM pg_type WHERE oid >= 16384 AND NOT EXISTS
    (SELECT FROM pg_depend d WHERE d.objid = pg_type.oid AND d.deptype = 'e')
  UNION ALL
  SELECT FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_'
  UNION ALL
  SELECT FROM pg_largeobject_metadata
  LIMIT 1`

/** Statements that drop everything in the schema `public` that belongs to no extension. */
const DROPS = `
  WITH owned AS (SELECT objid FROM pg_depend WHERE deptype = 'e')
  SELECT format('DROP %s IF EXISTS public.%I CASCADE',
           CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
             WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END,
           relname) AS statement
    FROM pg_class
   WHERE relnamespace = 'public'::regnamespace AND oid NOT IN (SELECT objid FROM owned)
     AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
  UNION ALL
  SELECT format('DROP ROUTINE IF EXISTS public.%I(%s) CASCADE', proname,
           pg_get_function_identity_arguments(oid))
    FROM pg_proc
   WHERE pronamespace = 'public'::regnamespace AND oid NOT IN (SELECT objid FROM owned)
  UNION ALL
  SELECT format('DROP TYPE IF EXISTS public.%I CASCADE', typname)
    FROM pg_type
   WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
     AND oid NOT IN (SELECT objid FROM owned)`

/** Whether the database has nothing but what PostgreSQL and its extensions put there. */
export async function isEmpty(client: ClientBase): Promise<boolean> {
  return (await client.query(FOREIGN)).rows.length === 0
}

/**
 * Drops what a rebuild made in a database that was empty before, in one transaction.
 *
 * @throws {Error} if something else is in it too
 */
export async function emptyDatabase(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ statement: string }>(DROPS)
  await client.query(['BEGIN', ...rows.map(({ statement }) => statement), 'COMMIT'].join('; '))
  if (!(await isEmpty(client))) throw new Error('it has objects that no rebuild makes')
}

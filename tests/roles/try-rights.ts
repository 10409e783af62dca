import type { ClientBase } from 'pg'
import type { Right } from './granted-rights.ts'

const FORBIDDEN = '42501'

/** A table or view, and the columns that a statement can set. Partitions are tables too. */
export type Table = {
  name: string
  isView: boolean
  isPartition: boolean
  columns: readonly string[]
}

/** A function; one with the rights of its owner does for its caller what the caller may not. */
export type Routine = { name: string; signature: string; isAsOwner: boolean }

/** Every table and view of a database. */
export async function tablesOf(owner: ClientBase): Promise<Table[]> {
  const { rows } = await owner.query<Table>(
    `SELECT c.relname AS name, c.relkind = 'v' AS "isView", c.relispartition AS "isPartition",
       coalesce(array_agg(a.attname::text ORDER BY a.attnum)
         FILTER (WHERE a.attidentity <> 'a' AND a.attgenerated = ''), '{}') AS columns
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
       AND NOT a.attisdropped
     GROUP BY c.relname, c.relkind, c.relispartition ORDER BY c.relname`,
  )
  return rows
}

/** Every function of a database. */
export async function routinesOf(owner: ClientBase): Promise<Routine[]> {
  const { rows } = await owner.query<Routine>(
    `SELECT proname AS name, oid::regprocedure::text AS signature, prosecdef AS "isAsOwner"
     FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 2`,
  )
  return rows
}

/** Tries every statement on a table, changing nothing; returns those that the role may execute. */
export async function tryRights(
  client: ClientBase,
  { name: table, isView, columns }: Table,
): Promise<Set<Right>> {
  const read: [Right, string] = ['SELECT', `SELECT * FROM ${table} LIMIT 0`]
  const changes: [Right, string][] = [
    ['INSERT', `INSERT INTO ${table} DEFAULT VALUES`],
    ['DELETE', `DELETE FROM ${table} WHERE false`],
    ['TRUNCATE', `TRUNCATE ${table}`],
    ...columns.map((it): [Right, string] => [`UPDATE ${it}`, `UPDATE ${table} SET ${it} = NULL`]),
  ]
  const allowed = new Set<Right>()
  for (const [right, statement] of isView ? [read] : [read, ...changes]) {
    // EXPLAIN checks all rights of the statement and executes nothing.
    const harmless = right === 'TRUNCATE' ? statement : `EXPLAIN ${statement}`
    if (await isAllowed(client, harmless)) allowed.add(right)
  }
  return allowed
}

/** Whether a statement is refused for another reason than the role, or not at all. */
async function isAllowed(client: ClientBase, statement: string): Promise<boolean> {
  await client.query('BEGIN')
  try {
    await client.query(statement)
    return true
  } catch (error) {
    return (error as { code?: unknown }).code !== FORBIDDEN
  } finally {
    await client.query('ROLLBACK')
  }
}

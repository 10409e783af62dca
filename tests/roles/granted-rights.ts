import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { MigrationSet } from '@caudal/postgres/migrate.ts'

/** `SELECT`, `INSERT`, `DELETE`, `TRUNCATE`, `UPDATE column`. */
export type Right = string

const GRANT = /\bGRANT\s+([^;]+?)\s+ON\s+(?!FUNCTION)([^;]+?)\s+TO\s+caudal_app\s*;/g
const PRIVILEGE = /(\w+)\s*(?:\(([^)]*)\))?/g

/**
 * What migrations declare for the role of their service, read from the files: rights by table. A
 * right to UPDATE a whole table is `UPDATE *`.
 */
export async function grantedRights(
  sets: readonly MigrationSet[],
): Promise<Map<string, Set<Right>>> {
  const rights = new Map<string, Set<Right>>()
  for (const { name, dir } of sets) {
    rights.set(`migrations_${name}`, new Set(['SELECT']))
    for (const file of (await readdir(dir)).toSorted()) {
      const text = (await readFile(join(dir, file), 'utf8')).replaceAll(/--.*$/gm, '')
      for (const [, privileges = '', tables = ''] of text.matchAll(GRANT)) {
        for (const table of tables.split(',').map((it) => it.trim())) {
          rights.set(table, new Set([...(rights.get(table) ?? []), ...parse(privileges)]))
        }
      }
    }
  }
  return rights
}

function parse(privileges: string): Right[] {
  return [...privileges.matchAll(PRIVILEGE)].flatMap(([, privilege = '', columns]) => {
    if (columns !== undefined) return columns.split(',').map((it) => `${privilege} ${it.trim()}`)
    return [privilege === 'UPDATE' ? 'UPDATE *' : privilege]
  })
}

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { MigrationSet } from '@caudal/postgres/migrate.ts'

/** `SELECT`, `INSERT`, `DELETE`, `TRUNCATE`, `UPDATE column`. */
export type Right = string

const NO_COMMENTS = /--.*$/gm
const GRANTED = /\bGRANT\s+EXECUTE\s+ON\s+FUNCTION\s+(\w+)\s*\([^;]+\bTO\s+caudal_app\s*;/g
const REVOKED = /\bREVOKE\s+ALL\s+ON\s+FUNCTION\s+(\w+)\s*\([^;]+\bFROM\s+PUBLIC\s*;/g
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
    for (const text of await filesOf(dir)) {
      for (const [, privileges = '', tables = ''] of text.matchAll(GRANT)) {
        for (const table of tables.split(',').map((it) => it.trim())) {
          rights.set(table, new Set([...(rights.get(table) ?? []), ...parse(privileges)]))
        }
      }
    }
  }
  return rights
}

/** The functions that migrations withdraw from PUBLIC, and those granted to their service. */
export async function grantedFunctions(
  sets: readonly MigrationSet[],
): Promise<{ granted: Set<string>; revoked: Set<string> }> {
  const texts = (await Promise.all(sets.map(({ dir }) => filesOf(dir)))).flat()
  const namesOf = (statement: RegExp): Set<string> =>
    new Set(texts.flatMap((text) => [...text.matchAll(statement)].map(([, name = '']) => name)))
  return { granted: namesOf(GRANTED), revoked: namesOf(REVOKED) }
}

/** The SQL of a folder without comments. */
async function filesOf(dir: string): Promise<string[]> {
  const files = (await readdir(dir)).toSorted()
  const texts = await Promise.all(files.map((file) => readFile(join(dir, file), 'utf8')))
  return texts.map((text) => text.replaceAll(NO_COMMENTS, ''))
}

function parse(privileges: string): Right[] {
  return [...privileges.matchAll(PRIVILEGE)].flatMap(([, privilege = '', columns]) => {
    if (columns !== undefined) return columns.split(',').map((it) => `${privilege} ${it.trim()}`)
    return [privilege === 'UPDATE' ? 'UPDATE *' : privilege]
  })
}

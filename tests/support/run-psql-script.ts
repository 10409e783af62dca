import { execFileSync } from 'node:child_process'
import { chmod, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

const PSQL = join(import.meta.dirname, 'psql.ts')

/** Puts a stand-in for psql, which may not be installed, into a folder of programs. */
export async function installPsql(folder: string): Promise<void> {
  const program = join(folder, 'psql')
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${PSQL}' "$@"\n`)
  await chmod(program, 0o755)
}

/**
 * Runs a shell script with a stand-in for psql, as the role of `adminUrl`. `dir` is an empty
 * directory for it.
 */
export async function runPsqlScript(
  script: string,
  args: readonly string[],
  { adminUrl, dir, env }: { adminUrl: string; dir: string; env: NodeJS.ProcessEnv },
): Promise<void> {
  await installPsql(dir)
  const path = `${dir}${delimiter}${process.env['PATH']}`
  execFileSync('sh', [script, ...args], { env: { ...env, PSQL_URL: adminUrl, PATH: path } })
}

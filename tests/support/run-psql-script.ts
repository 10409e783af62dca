import { execFileSync } from 'node:child_process'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import pg from 'pg'

// A stand-in for psql, which may not be installed: keeps its input.
const PSQL = `#!/bin/sh
cat > "$INPUT"
`

/**
 * Runs a shell script with a stand-in for psql, and executes the SQL that the script passes to it
 * as the role of `adminUrl`. `dir` is an empty directory for it.
 */
export async function runPsqlScript(
  script: string,
  args: readonly string[],
  { adminUrl, dir, env }: { adminUrl: string; dir: string; env: NodeJS.ProcessEnv },
): Promise<void> {
  const input = join(dir, 'input')
  await writeFile(join(dir, 'psql'), PSQL)
  await chmod(join(dir, 'psql'), 0o755)
  const path = `${dir}${delimiter}${process.env['PATH']}`
  execFileSync('sh', [script, ...args], { env: { ...env, INPUT: input, PATH: path } })
  const client = new pg.Client(adminUrl)
  await client.connect()
  try {
    await client.query(await readFile(input, 'utf8'))
  } finally {
    await client.end()
  }
}

import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'

/** The launcher that `npx caudal` runs. */
export const CLI = resolve(import.meta.dirname, '../bin/caudal.js')

/** The result of one call. */
export type CliResult = { code: number | null; stdout: string; stderr: string }

/** Runs the command line in a process of its own; `env` is added, `node` are options for Node. */
export async function runCli(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; node?: readonly string[] } = {},
): Promise<CliResult> {
  const { node = [], env, ...rest } = options
  const child = spawn(process.execPath, [...node, CLI, ...args], {
    ...rest,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const ended = new Promise<number | null>((done) => child.once('exit', done))
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { code, stdout, stderr }
}

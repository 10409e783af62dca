import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'

const CLI = join(resolve(import.meta.dirname, '../..'), 'cli/bin/caudal.js')

/** The result of a command. */
export type CommandResult = { code: number | null; stdout: string; stderr: string }

/** Runs a command of the command line in a separate process. */
export async function runCommand(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<CommandResult> {
  const child = spawn(process.execPath, [CLI, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
  })
  const ended = new Promise<number | null>((done) => child.once('exit', done))
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { code, stdout, stderr }
}

/** Runs a command on the system of `dataDir`. */
export function runCaudal(dataDir: string, args: readonly string[]): Promise<CommandResult> {
  return runCommand([...args, '--data', dataDir])
}

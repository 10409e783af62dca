import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'

const CLI = join(resolve(import.meta.dirname, '../..'), 'cli/bin/caudal.js')

export type CommandResult = { code: number | null; stdout: string; stderr: string }

/** Runs one command of the command line against the system of `dataDir`. */
export async function runCaudal(dataDir: string, args: readonly string[]): Promise<CommandResult> {
  const child = spawn(process.execPath, [CLI, ...args, '--data', dataDir], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((done) => child.once('exit', done)),
  ])
  return { code, stdout, stderr }
}

/** Like `runCaudal` with --json; fails when the command does. */
export async function caudalJson<T>(dataDir: string, args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await runCaudal(dataDir, [...args, '--json'])
  if (code !== 0 && stdout === '') throw new Error(`caudal ${args.join(' ')}: ${code} ${stderr}`)
  return JSON.parse(stdout) as T
}

export type Verification = {
  ok: boolean
  checks: { name: string; checked: number; violations: string[] }[]
}

/** What is wrong with the money, as sentences; empty when all is well. */
export async function violationsOf(dataDir: string): Promise<string[]> {
  const { checks } = await caudalJson<Verification>(dataDir, ['verify', '--wait', '60'])
  return checks.flatMap(({ name, violations }) => violations.map((it) => `${name}: ${it}`))
}

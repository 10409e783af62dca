import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Scope } from '@caudal/testing/test-database.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const CLI = join(ROOT, 'cli/bin/caudal.js')
const READY_TIMEOUT_MS = 90_000

/** What `caudal start --json` prints when it is ready (interfaces.md). */
export type Ready = {
  event: 'ready'
  gateway_url: string
  console_url: string | null
  psp_url: string
  push_url: string
  data_dir: string
  pid: number
}

export type LaunchedSystem = Ready & {
  /** Asks it to stop in order and waits until it is gone; returns its exit code. */
  stop(): Promise<number | null>
  /** Ends it at once, as a power cut would end the process: kill -9. */
  kill(): Promise<void>
}

export type LaunchOptions = { dataDir: string; args?: string[]; env?: NodeJS.ProcessEnv }

/** A data directory of the test's own, removed when it ends. */
export async function dataDirectory(scope: Scope): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'caudal-e2e-'))
  scope.after(() => scope.after(() => rm(dir, { recursive: true, force: true })))
  return dir
}

/** Starts the whole system as its users do, in a process of its own on free ports. */
export async function launchSystem({
  dataDir,
  args = [],
  env = {},
}: LaunchOptions): Promise<LaunchedSystem> {
  const child = spawn(
    process.execPath,
    [CLI, 'start', ...args, '--json', '--port', '0', '--data', dataDir],
    {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CAUDAL_LOG_LEVEL: 'warn', ...env },
    },
  )
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
  const errors: string[] = []
  createInterface(child.stderr!).on('line', (line) => {
    errors.push(line)
    if (errors.length > 200) errors.shift()
    if (process.env['CAUDAL_TEST_LOGS']) process.stderr.write(`${line}\n`)
  })
  const ready = await waitForReady(child, exited, errors)
  return {
    ...ready,
    stop: async () => {
      child.kill('SIGTERM')
      return exited
    },
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function waitForReady(
  child: ChildProcess,
  exited: Promise<number | null>,
  errors: readonly string[],
): Promise<Ready> {
  const line = new Promise<string>((done) => createInterface(child.stdout!).once('line', done))
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, refuse) => {
    timer = setTimeout(() => refuse(new Error('not ready in time')), READY_TIMEOUT_MS)
  })
  const early = exited.then((code): never => {
    throw new Error(`caudal start ended with ${code} before it was ready:\n${errors.join('\n')}`)
  })
  try {
    return JSON.parse(await Promise.race([line, early, late])) as Ready
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  } finally {
    clearTimeout(timer)
  }
}

import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { removeLocalPostgres } from '@caudal/local-postgres/remove-local-postgres.ts'
import type { Scope } from '@caudal/testing/test-database.ts'
import { ROOT } from './root.ts'

const CLI = join(ROOT, 'cli/bin/caudal.js')
/** Says what `caudal start` says, with every service in a process of its own. */
const PROCESSES = join(ROOT, 'tests/support/processes/start-processes.ts')
const READY_TIMEOUT_MS = 110_000
const KEPT_LINES = 200
const SLOW_END_MS = 20_000

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
  /** Ends it at once, as a power cut would end the process: kill -9. The database lives on. */
  kill(): Promise<void>
  /** The last lines of its log, oldest first. */
  logs(): readonly string[]
}

export type LaunchOptions = { dataDir: string; args?: string[]; env?: NodeJS.ProcessEnv }

const silent = { info: () => {}, warn: () => {}, error: () => {} }

/** A data directory of the test's own; everything of it is removed when the test has ended. */
export async function dataDirectory(scope: Scope): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'caudal-test-e2e-'))
  // PostgreSQL's own user, if we are root, must be able to pass through.
  await chmod(dir, 0o711)
  scope.after(() =>
    scope.after(async () => {
      await removeLocalPostgres({ dataDir: join(dir, 'postgres'), logger: silent })
      await rm(dir, { recursive: true, force: true })
    }),
  )
  return dir
}

/**
 * Starts the whole system as its users do, in a process of its own on free ports; in one process a
 * service where CAUDAL_TEST_PROCESSES is set. What still runs when the scope ends is stopped.
 */
export async function launchSystem(scope: Scope, options: LaunchOptions): Promise<LaunchedSystem> {
  const child = spawnStart(options)
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
  const lines = keepLines(child)
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal)
    const watch = setTimeout(() => console.error(`slow to end:\n${lines.join('\n')}`), SLOW_END_MS)
    return exited.finally(() => clearTimeout(watch))
  }
  // A test process that is ended for taking too long leaves no system behind.
  const stopWithUs = (): void => void child.kill('SIGTERM')
  process.once('exit', stopWithUs)
  void exited.then(() => process.off('exit', stopWithUs))
  scope.after(() => end('SIGTERM').then(() => undefined))
  const ready = await waitForReady(child, exited, lines)
  return {
    ...ready,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL').then(() => undefined),
    logs: () => lines,
  }
}

/** Starts the system and ends it by kill -9 so long after, ready or not. */
export async function killWhileStarting(options: LaunchOptions, afterMs: number): Promise<void> {
  const child = spawnStart(options)
  const exited = new Promise<void>((done) => child.once('exit', () => done()))
  child.stdout!.resume()
  child.stderr!.resume()
  await delay(afterMs)
  child.kill('SIGKILL')
  await exited
}

function spawnStart({ dataDir, args = [], env = {} }: LaunchOptions): ChildProcess {
  const words = ['start', ...args, '--json', '--port', '0', '--data', dataDir]
  const program = process.env['CAUDAL_TEST_PROCESSES'] ? PROCESSES : CLI
  return spawn(process.execPath, [program, ...words], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, CAUDAL_LOG_LEVEL: 'warn', ...env },
  })
}

function keepLines(child: ChildProcess): string[] {
  const lines: string[] = []
  createInterface(child.stderr!).on('line', (line) => {
    lines.push(line)
    if (lines.length > KEPT_LINES) lines.shift()
    if (process.env['CAUDAL_TEST_LOGS']) process.stderr.write(`${line}\n`)
  })
  return lines
}

async function waitForReady(
  child: ChildProcess,
  exited: Promise<number | null>,
  lines: readonly string[],
): Promise<Ready> {
  const line = new Promise<string>((done) => createInterface(child.stdout!).once('line', done))
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, refuse) => {
    timer = setTimeout(() => refuse(new Error('not ready in time')), READY_TIMEOUT_MS)
  })
  const early = exited.then((code): never => {
    throw new Error(`caudal start ended with ${code} before it was ready:\n${lines.join('\n')}`)
  })
  try {
    return JSON.parse(await Promise.race([line, early, late])) as Ready
  } finally {
    clearTimeout(timer)
  }
}

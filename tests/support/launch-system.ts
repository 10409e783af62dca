import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { removeLocalPostgres } from '@caudal/local-postgres/remove-local-postgres.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { ROOT } from './root.ts'
import { silentLogger } from './silent-logger.ts'

const CLI = 'cli/bin/caudal.js'
/** Prints the same as `caudal start`, but runs every service in its own process. */
const PROCESSES = join(ROOT, 'tests/support/processes/start-processes.ts')
const READY_TIMEOUT_MS = 110_000
const KEPT_LINES = 200
const SLOW_END_MS = 20_000

/** The output of `caudal start --json` when the system is ready. */
export type Ready = {
  event: 'ready'
  gateway_url: string
  console_url: string | null
  psp_url: string
  asyncbank_url: string
  push_url: string
  data_dir: string
  pid: number
}

/** A running system. */
export type LaunchedSystem = Ready & {
  /** Stops the system with SIGTERM; returns its exit code. */
  stop(): Promise<number | null>
  /** Kills the process with SIGKILL. The database server keeps running. */
  kill(): Promise<void>
  /** The last log lines, oldest first. */
  logs(): readonly string[]
  /** Calls `listen` with each further line. */
  onLog(listen: (line: string) => void): void
}

/** Arguments and environment of `caudal start`; `root` is another checkout, of another release. */
export type LaunchOptions = {
  dataDir: string
  args?: string[]
  env?: NodeJS.ProcessEnv
  root?: string
}

/** Creates a data directory; it is removed with its database when the scope ends. */
export async function dataDirectory(scope: TestScope): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'caudal-test-e2e-'))
  // If the tests run as root, PostgreSQL's user must have access to the folder.
  await chmod(dir, 0o711)
  scope.after(() =>
    scope.after(async () => {
      await removeLocalPostgres({ dataDir: join(dir, 'postgres'), logger: silentLogger })
      await rm(dir, { recursive: true, force: true })
    }),
  )
  return dir
}

/**
 * Starts the whole system with `caudal start` on free ports; with CAUDAL_TEST_PROCESSES, each
 * service in its own process. It is stopped when the scope ends.
 */
export async function launchSystem(
  scope: TestScope,
  options: LaunchOptions,
): Promise<LaunchedSystem> {
  const child = spawnStart(options)
  const exited = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
  const log = createInterface(child.stderr!)
  const lines = keepLines(log)
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal)
    const watch = setTimeout(
      () => console.error(`the system is slow to stop:\n${lines.join('\n')}`),
      SLOW_END_MS,
    )
    return exited.finally(() => clearTimeout(watch))
  }
  // Stops the system if the test process is ended because of its timeout.
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
    onLog: (listen) => void log.on('line', listen),
  }
}

/** Starts the system and kills it with SIGKILL after `afterMs`, ready or not. */
export async function killWhileStarting(options: LaunchOptions, afterMs: number): Promise<void> {
  const child = spawnStart(options)
  const exited = new Promise<void>((done) => child.once('exit', () => done()))
  child.stdout!.resume()
  child.stderr!.resume()
  await delay(afterMs)
  child.kill('SIGKILL')
  await exited
}

function spawnStart({ dataDir, args = [], env = {}, root }: LaunchOptions): ChildProcess {
  const words = ['start', ...args, '--json', '--port', '0', '--data', dataDir]
  const program =
    process.env['CAUDAL_TEST_PROCESSES'] && root === undefined ? PROCESSES : join(root ?? ROOT, CLI)
  return spawn(process.execPath, [program, ...words], {
    cwd: root ?? ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, CAUDAL_LOG_LEVEL: 'warn', ...env },
  })
}

function keepLines(log: Interface): string[] {
  const lines: string[] = []
  log.on('line', (line) => {
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
    timer = setTimeout(
      () => refuse(new Error('the system was not ready in time')),
      READY_TIMEOUT_MS,
    )
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

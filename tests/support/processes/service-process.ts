import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ROOT } from '../root.ts'

const READY_TIMEOUT_MS = 110_000
const KEPT_LINES = 400

/** How to run a service. */
export type ServiceProcessOptions = {
  service: string
  /** The complete environment, including ports. */
  env: NodeJS.ProcessEnv
  /** A file to which the log is also written. */
  logFile: string
  /** The sources of its release; default: this repository. */
  root?: string
}

/** A process of `caudal start <service>`, configured by its environment. */
export class ServiceProcess {
  readonly service: string
  readonly #options: ServiceProcessOptions
  readonly #lines: string[] = []
  #root: string
  #child: ChildProcess | undefined
  #exited: Promise<number | null> = Promise.resolve(null)

  constructor(options: ServiceProcessOptions) {
    this.service = options.service
    this.#options = options
    this.#root = options.root ?? ROOT
  }

  get port(): number {
    return Number(this.#options.env[`CAUDAL_${environmentKey(this.service)}_PORT`])
  }

  /** The process's own address, not the balancer's. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** undefined while the process is not running. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** The last log lines, oldest first. */
  logs(): readonly string[] {
    return this.#lines
  }

  /**
   * Starts or restarts the process at its address; resolves when it is ready. `more` are variables
   * of this start only.
   */
  async start(more: NodeJS.ProcessEnv = {}): Promise<void> {
    const { service, env, logFile } = this.#options
    const cli = join(this.#root, 'cli/bin/caudal.js')
    // With an IPC channel, the process ends when its parent dies.
    const child = spawn(process.execPath, [cli, 'start', service, '--json'], {
      cwd: this.#root,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...env, ...more },
    })
    this.#child = child
    this.#exited = once(child, 'exit').then(([code]) => {
      if (this.#child === child) this.#child = undefined
      return code as number | null
    })
    const log = createWriteStream(logFile, { flags: 'a' })
    child.stderr!.pipe(log)
    createInterface(child.stderr!).on('line', (line) => this.#keep(line))
    await this.#ready(child)
  }

  /** Stops the process and starts the release of these sources at the same address. */
  async deploy(root: string): Promise<void> {
    await this.stop()
    this.#root = root
    await this.start()
  }

  /** Stops the process with SIGTERM; returns its exit code. */
  stop(): Promise<number | null> {
    return this.#end('SIGTERM')
  }

  /** Kills the process with SIGKILL. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Waits for the end of the process. */
  async ended(): Promise<void> {
    await this.#exited
  }

  /** SIGSTOP: the process hangs and keeps its connections open. */
  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  /** SIGCONT: continues a paused process. */
  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.#child === undefined) return 0
    this.#child.kill('SIGCONT')
    this.#child.kill(signal)
    return this.#exited
  }

  #keep(line: string): void {
    this.#lines.push(line)
    if (this.#lines.length > KEPT_LINES) this.#lines.shift()
    if (process.env['CAUDAL_TEST_LOGS']) process.stderr.write(`${line}\n`)
  }

  async #ready(child: ChildProcess): Promise<void> {
    const line = once(createInterface(child.stdout!), 'line')
    const early = this.#exited.then((code): never => {
      const log = this.#lines.join('\n')
      throw new Error(`caudal start ${this.service} ended with ${code}:\n${log}`)
    })
    const signal = AbortSignal.timeout(READY_TIMEOUT_MS)
    const late = once(signal, 'abort').then((): never => {
      throw new Error(`${this.service} is not ready in time:\n${this.#lines.join('\n')}`)
    })
    early.catch(() => {}) // the process also ends after it was ready
    late.catch(() => {})
    await Promise.race([line, early, late])
  }
}

/** The <KEY> of CAUDAL_<KEY>_PORT. */
export function environmentKey(service: string): string {
  return service.toUpperCase().replaceAll('-', '_')
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ROOT } from '../root.ts'

const CLI = join(ROOT, 'cli/bin/caudal.js')
const READY_TIMEOUT_MS = 110_000
const KEPT_LINES = 400

export type ServiceProcessOptions = {
  service: string
  /** Its whole configuration, ports included. */
  env: NodeJS.ProcessEnv
  /** Everything it says goes there as well. */
  logFile: string
}

/** One service as its users run it: `caudal start <service>`, configured by its environment. */
export class ServiceProcess {
  readonly service: string
  readonly #options: ServiceProcessOptions
  readonly #lines: string[] = []
  #child: ChildProcess | undefined
  #exited: Promise<number | null> = Promise.resolve(null)

  constructor(options: ServiceProcessOptions) {
    this.service = options.service
    this.#options = options
  }

  get port(): number {
    return Number(this.#options.env[`CAUDAL_${keyOf(this.service)}_PORT`])
  }

  /** Its own address, past any balancer. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Undefined while it is down. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** The last lines that it logged, oldest first. */
  logs(): readonly string[] {
    return this.#lines
  }

  /** Starts it, again at the same address; resolves when it is ready. */
  async start(): Promise<void> {
    const { service, env, logFile } = this.#options
    // The channel lets it notice that its owner has died, so that it does not live on.
    const child = spawn(process.execPath, [CLI, 'start', service, '--json'], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env,
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

  /** Asks it to stop in order and waits until it is gone; its exit code. */
  stop(): Promise<number | null> {
    return this.#end('SIGTERM')
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** SIGSTOP: it hangs, holds its connections, and knows nothing of the time that passes. */
  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

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
      const said = this.#lines.join('\n')
      throw new Error(`caudal start ${this.service} ended with ${code}:\n${said}`)
    })
    const signal = AbortSignal.timeout(READY_TIMEOUT_MS)
    const late = once(signal, 'abort').then((): never => {
      throw new Error(`${this.service} is not ready in time:\n${this.#lines.join('\n')}`)
    })
    early.catch(() => {}) // it ends later, too
    late.catch(() => {})
    await Promise.race([line, early, late])
  }
}

/** As in CAUDAL_<KEY>_PORT. */
export function keyOf(service: string): string {
  return service.toUpperCase().replaceAll('-', '_')
}

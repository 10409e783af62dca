import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { TestScope } from '@caudal/testing/test-database.ts'

/** The settings of a worker, which are sent to its process. */
export type WorkerOptions = {
  databaseUrl: string
  brokers: readonly string[]
  group: string
  topics: readonly string[]
  /** By default, the services' session timeout. */
  sessionTimeoutMs?: number
}

/** A consumer in a separate process. */
export class Worker {
  readonly #child: ChildProcess

  constructor(child: ChildProcess) {
    this.#child = child
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** The value of a counter, summed over all labels or over those with this kind. */
  async counter(name: string, kind?: string): Promise<number> {
    const answer = once(this.#child, 'message')
    this.#child.send({ ask: 'metrics' })
    const [{ metrics }] = (await answer) as [{ metrics: string }]
    const label = kind === undefined ? '' : `kind="${kind}"`
    const lines = metrics
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) && line.includes(label))
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  /** Makes the worker keep its next transaction open; resolves when it is open. */
  async hold(): Promise<void> {
    const held = once(this.#child, 'message')
    this.#child.send({ ask: 'hold' })
    await held
  }

  release(): void {
    this.#child.send({ ask: 'release' })
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }
}

/** Starts a worker; it is killed when the scope ends. */
export async function startWorker(scope: TestScope, options: WorkerOptions): Promise<Worker> {
  const file = join(import.meta.dirname, 'effects-worker.ts')
  const child = fork(file, [JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const worker = new Worker(child)
  scope.after(() => worker.kill())
  await once(child, 'message')
  return worker
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KafkaJars } from './kafka-jars.ts'

const READY = 'Kafka Server started'
const PORT_IN_USE = 'Address already in use'
const READY_TIMEOUT_MS = 90_000
const STOP_TIMEOUT_MS = 30_000
const LAST_LINES = 12

/** How to run one node. */
export type NodeOptions = {
  id: number
  dir: string
  jars: KafkaJars
  heapMb: number
  /** Additional JVM flags. */
  jvm: readonly string[]
  /** Called whenever the process starts or ends. */
  onProcessChange: () => void
}

/** Another process listens on a port of the node. */
export class PortInUseError extends Error {}

/** One node of a cluster, which runs as a separate process. */
export class KafkaNode {
  readonly #options: NodeOptions
  #process: ChildProcess | undefined

  constructor(options: NodeOptions) {
    this.#options = options
  }

  /** undefined while the node is down. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Starts the node on its existing data; resolves when it is ready. */
  async start(): Promise<void> {
    if (this.#process) return
    const { id, dir, jars, heapMb, jvm, onProcessChange } = this.#options
    const heap = [`-Xms${heapMb}m`, `-Xmx${heapMb}m`, '-XX:+UseSerialGC']
    const log = [`-Dlog4j2.configurationFile=${jars.log4jFile}`]
    const main = ['-cp', jars.classPath, 'kafka.Kafka', join(dir, 'server.properties')]
    // A separate process group: Ctrl-C reaches only the owner, which stops the nodes.
    const child = spawn('java', [...heap, ...jvm, ...log, ...main], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#process = child
    onProcessChange()
    child.once('exit', () => {
      if (this.#process === child) this.#process = undefined
      onProcessChange()
    })
    const output = createWriteStream(join(dir, 'broker.log'), { flags: 'a' })
    child.stdout.pipe(output, { end: false })
    child.stderr.pipe(output, { end: false })
    child.once('close', () => output.end())
    try {
      await waitUntilReady(child)
    } catch (error) {
      await this.kill()
      const log = await readFile(join(dir, 'broker.log'), 'utf8').catch(() => '')
      const lines = log.trim().split('\n').slice(-LAST_LINES).join('\n')
      const reason = `Kafka node ${id} ${(error as Error).message}:\n${lines}`
      if (log.includes(PORT_IN_USE)) throw new PortInUseError(reason, { cause: error })
      throw new Error(reason, { cause: error })
    }
  }

  /** SIGTERM: the node hands over its partitions and ends; it is killed if that takes too long. */
  async stop(): Promise<void> {
    this.resume()
    const timer = setTimeout(() => void this.kill(), STOP_TIMEOUT_MS)
    await this.#end('SIGTERM')
    clearTimeout(timer)
  }

  /** SIGKILL, like a crash. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** SIGSTOP: the node hangs and keeps its connections open. */
  pause(): void {
    this.#process?.kill('SIGSTOP')
  }

  /** SIGCONT: continues a paused node. */
  resume(): void {
    this.#process?.kill('SIGCONT')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
}

/** Resolves when the log contains the line that signals readiness. */
function waitUntilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let tail = ''
    const onOutput = (chunk: Buffer): void => {
      const output = tail + chunk.toString()
      if (output.includes(READY)) settle()
      // Keeps the end of the chunk, in case the line is split between two chunks.
      tail = output.slice(-READY.length)
    }
    const exited = (): void => settle(new Error('ended before it was ready'))
    const late = (): void => settle(new Error(`is not ready after ${READY_TIMEOUT_MS} ms`))
    const timer = setTimeout(late, READY_TIMEOUT_MS)
    const settle = (error?: Error): void => {
      clearTimeout(timer)
      child.stdout?.off('data', onOutput)
      child.off('exit', exited).off('error', settle)
      if (error) reject(error)
      else resolve()
    }
    child.stdout?.on('data', onOutput)
    child.once('exit', exited).once('error', settle)
  })
}

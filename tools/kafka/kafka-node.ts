import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KafkaJars } from './kafka-jars.ts'

const READY = 'Kafka Server started'
const TAKEN = 'Address already in use'
const READY_TIMEOUT_MS = 90_000
const STOP_TIMEOUT_MS = 30_000
const LAST_LINES = 12

export type NodeOptions = {
  id: number
  dir: string
  jars: KafkaJars
  heapMb: number
  /** JVM flags beyond the usual. */
  jvm: readonly string[]
  /** Told whenever the process begins or ends. */
  changed: () => void
}

/** Another process listens at a port of the node. */
export class PortTakenError extends Error {}

/** One node of a running cluster: a process of its own. */
export class KafkaNode {
  readonly #options: NodeOptions
  #process: ChildProcess | undefined

  constructor(options: NodeOptions) {
    this.#options = options
  }

  /** Undefined while the node is down. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Starts the node over the data that it has; resolves when it serves. */
  async start(): Promise<void> {
    if (this.#process) return
    const { id, dir, jars, heapMb, jvm, changed } = this.#options
    const heap = [`-Xms${heapMb}m`, `-Xmx${heapMb}m`, '-XX:+UseSerialGC']
    const log = [`-Dlog4j2.configurationFile=${jars.log4jFile}`]
    const main = ['-cp', jars.classPath, 'kafka.Kafka', join(dir, 'server.properties')]
    // Its own process group: Ctrl-C is for the owner, who stops the nodes one by one.
    const child = spawn('java', [...heap, ...jvm, ...log, ...main], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#process = child
    changed()
    child.once('exit', () => {
      if (this.#process === child) this.#process = undefined
      changed()
    })
    const output = createWriteStream(join(dir, 'broker.log'), { flags: 'a' })
    child.stdout.pipe(output, { end: false })
    child.stderr.pipe(output, { end: false })
    child.once('close', () => output.end())
    try {
      await readyLine(child)
    } catch (error) {
      await this.kill()
      const said = await readFile(join(dir, 'broker.log'), 'utf8').catch(() => '')
      const lines = said.trim().split('\n').slice(-LAST_LINES).join('\n')
      const reason = `Kafka node ${id} ${(error as Error).message}:\n${lines}`
      if (said.includes(TAKEN)) throw new PortTakenError(reason, { cause: error })
      throw new Error(reason, { cause: error })
    }
  }

  /** SIGTERM: hands its leaders over and ends; one that cannot, for lack of others, is killed. */
  async stop(): Promise<void> {
    this.resume()
    const timer = setTimeout(() => void this.kill(), STOP_TIMEOUT_MS)
    await this.#end('SIGTERM')
    clearTimeout(timer)
  }

  /** SIGKILL, as a crash. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** SIGSTOP: it hangs and holds its connections. */
  pause(): void {
    this.#process?.kill('SIGSTOP')
  }

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

/** Resolves at the line that says so; the log goes on to its file. */
function readyLine(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let tail = ''
    const hear = (chunk: Buffer): void => {
      const heard = tail + chunk.toString()
      if (heard.includes(READY)) settle()
      // A chunk can be long, and the line anywhere in it; only one that is cut in two is kept for.
      tail = heard.slice(-READY.length)
    }
    const exited = (): void => settle(new Error('ended before it was ready'))
    const late = (): void => settle(new Error(`is not ready after ${READY_TIMEOUT_MS} ms`))
    const timer = setTimeout(late, READY_TIMEOUT_MS)
    const settle = (error?: Error): void => {
      clearTimeout(timer)
      child.stdout?.off('data', hear)
      child.off('exit', exited).off('error', settle)
      if (error) reject(error)
      else resolve()
    }
    child.stdout?.on('data', hear)
    child.once('exit', exited).once('error', settle)
  })
}

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { freePort } from '@caudal/local-postgres/free-port.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { Scope } from '@caudal/testing/test-database.ts'
import { Redis } from 'ioredis'

/** A real Redis server of the test's own, with nothing on disk. */
export type RedisServer = {
  url: string
  /** For looking, and for making it misbehave. */
  client: Redis
  /** kill -9, and returns when the process is gone. */
  kill(): Promise<void>
  /** Starts it again at the same address, empty. */
  restart(): Promise<void>
  /** SIGSTOP: connections stay open, and nothing is answered. */
  pause(): void
  resume(): void
}

/** Starts Redis on a free port; it ends with the scope. */
export async function startRedis(scope: Scope): Promise<RedisServer> {
  const binary = redisBinary()
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  let child = run(binary, port)
  const client = new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: null })
  client.on('error', () => {}) // it is killed on purpose
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  scope.after(async () => {
    client.disconnect()
    await kill()
  })
  await eventually(() => client.ping(), { label: 'Redis answers' })
  return {
    url,
    client,
    kill,
    async restart() {
      await kill()
      child = run(binary, port)
      await eventually(() => client.ping(), { label: 'Redis answers again' })
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
  }
}

function run(binary: string, port: number): ChildProcess {
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const child = spawn(binary, words, { stdio: 'ignore' })
  process.once('exit', () => child.kill('SIGKILL'))
  return child
}

/** Debian's package is installed where it is missing and may be; elsewhere a sentence says so. */
function redisBinary(): string {
  const found = findRedis()
  if (found !== undefined) return found
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    execFileSync('sh', ['-c', 'apt-get update && apt-get install -y redis-server'], { env })
  }
  const installed = findRedis()
  if (installed !== undefined) return installed
  throw new Error(
    'these tests need redis-server, which is not installed: "apt-get install redis-server" as ' +
      'root on Debian, or name it by the path in CAUDAL_TEST_REDIS',
  )
}

function findRedis(): string | undefined {
  const { CAUDAL_TEST_REDIS: named, PATH = '' } = process.env
  if (named) return named
  return PATH.split(delimiter)
    .map((folder) => join(folder, 'redis-server'))
    .find((path) => existsSync(path))
}

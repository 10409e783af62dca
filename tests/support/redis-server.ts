import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { freePort } from '@caudal/local-postgres/free-port.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { Redis } from 'ioredis'

/** A Redis server for one test, without persistence. */
export type RedisServer = {
  url: string
  /** A connection, to inspect the server and to make it fail. */
  client: Redis
  /** Kills the server with SIGKILL and waits for its end. */
  kill(): Promise<void>
  /** Restarts the server at the same address, empty. */
  restart(): Promise<void>
  /** SIGSTOP: connections stay open without responses. */
  pause(): void
  /** SIGCONT: continues a paused server. */
  resume(): void
}

/** Starts Redis on a free port; it is killed when the scope ends. */
export async function startRedis(scope: TestScope): Promise<RedisServer> {
  const binary = redisBinary()
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  let child = run(binary, port)
  const client = new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: null })
  client.on('error', () => {}) // tests kill the server
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
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
      await eventually(() => client.ping(), { label: 'Redis responds again' })
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

/** Finds redis-server. As root on Debian it installs the package if it is missing. */
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
    'These tests need redis-server, which is not installed. Run "apt-get install redis-server" ' +
      'as root on Debian, or set CAUDAL_TEST_REDIS to its path.',
  )
}

function findRedis(): string | undefined {
  const { CAUDAL_TEST_REDIS: named, PATH = '' } = process.env
  if (named) return named
  return PATH.split(delimiter)
    .map((folder) => join(folder, 'redis-server'))
    .find((path) => existsSync(path))
}

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Scope } from '@caudal/testing/test-database.ts'
import pg from 'pg'
import { COMPOSE_DIR, type ComposeService, readEnvFile } from '../../../tools/compose-file.ts'
import { kafkaJars } from '../../../tools/kafka/kafka-jars.ts'
import { ROOT } from '../root.ts'

/** What make-env.sh prints, as the .env it becomes. */
export function makeSecrets(): Record<string, string> {
  const script = join(COMPOSE_DIR, 'make-env.sh')
  return readEnvFile(execFileSync('sh', [script], { encoding: 'utf8' }))
}

// Stands in for psql, which there may be none of: keeps what it is told and what it reads.
const PSQL = `#!/bin/sh
printf '%s\\n' "$@" > "$TOLD"
cat > "$READ"
`

/** Runs init-postgres.sh as the image does, and what it gives to psql on the server. */
export async function initPostgres(
  adminUrl: string,
  dir: string,
  environment: ComposeService['environment'],
): Promise<void> {
  await writeFile(join(dir, 'psql'), PSQL)
  await chmod(join(dir, 'psql'), 0o755)
  const [told, read] = [join(dir, 'told'), join(dir, 'read')]
  const env = { ...texts(environment), TOLD: told, READ: read }
  const path = `${dir}${delimiter}${process.env['PATH']}`
  execFileSync('sh', [join(COMPOSE_DIR, 'init-postgres.sh')], { env: { ...env, PATH: path } })
  const words = (await readFile(told, 'utf8')).split('\n').filter((word) => word.includes('='))
  const values = new Map(words.map((word) => word.split('=') as [string, string]))
  const sql = (await readFile(read, 'utf8')).replaceAll(/:'(\w+)'/g, (_, name: string) =>
    pg.escapeLiteral(values.get(name) ?? ''),
  )
  const client = new pg.Client(adminUrl)
  await client.connect()
  await client.query(sql)
  await client.end()
}

/** A broker by the program that is the entry of Kafka's image: it reads the same variables. */
export async function startBroker(
  containers: Containers,
  dir: string,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const { classPath } = await kafkaJars()
  const [defaults, mounted, final] = ['default', 'mounted', 'final'].map((it) => join(dir, it))
  for (const folder of [defaults!, mounted!, final!]) await mkdir(folder, { recursive: true })
  for (const name of ['server.properties', 'log4j2.yaml', 'tools-log4j2.yaml']) {
    await writeFile(join(defaults!, name), '')
  }
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment }
  const folders = ['--default-configs-dir', defaults!, '--mounted-configs-dir', mounted!]
  const setUp = ['kafka.docker.KafkaDockerWrapper', 'setup', ...folders]
  execFileSync('java', ['-cp', classPath, ...setUp, '--final-configs-dir', final!], {
    env,
    stdio: 'pipe',
  })
  const heap = String(environment['KAFKA_HEAP_OPTS']).split(' ')
  const words = [...heap, '-XX:TieredStopAtLevel=1', '-cp', classPath, 'kafka.Kafka']
  containers.start('java', [...words, join(final!, 'server.properties')], { env, dir })
}

/** The programs of containers, as processes here. */
export type Containers = {
  /** Starts one; what it says goes to `log` in `dir`. */
  start(
    program: string,
    words: readonly string[],
    to: { env: NodeJS.ProcessEnv; dir: string },
  ): void
}

/** They end with the scope: services in order; brokers, which wait for each other, at once. */
export function containersOf(scope: Scope): Containers {
  const children: { child: ChildProcess; gone: Promise<unknown>; isBroker: boolean }[] = []
  const end = async (signal: NodeJS.Signals, brokers: boolean): Promise<void> => {
    const ending = children.filter(({ isBroker }) => isBroker === brokers)
    for (const { child } of ending) child.kill(signal)
    await Promise.all(ending.map(({ gone }) => gone))
  }
  process.once('exit', () => {
    for (const { child } of children) child.kill('SIGKILL')
  })
  scope.after(async () => {
    await end('SIGTERM', false)
    await end('SIGKILL', true)
  })
  return {
    start(program, words, { env, dir }) {
      const child = spawn(program, words, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] })
      const log = createWriteStream(join(dir, 'log'), { flags: 'a' })
      child.stdout.pipe(log, { end: false })
      child.stderr.pipe(log, { end: false })
      children.push({ child, gone: once(child, 'exit'), isBroker: program === 'java' })
    },
  }
}

export function texts(environment: ComposeService['environment'] = {}): NodeJS.ProcessEnv {
  const entries = Object.entries(environment)
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]))
}

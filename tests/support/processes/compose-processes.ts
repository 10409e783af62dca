import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { COMPOSE_DIR } from '../../../tools/compose-file.ts'
import { kafkaJars } from '../../../tools/kafka/kafka-jars.ts'
import { ROOT } from '../root.ts'
import { runPsqlScript } from '../run-psql-script.ts'

/** Runs init-postgres.sh like the image does, with the secrets of a folder. */
export async function initPostgres(adminUrl: string, dir: string, secrets: string): Promise<void> {
  const script = join(COMPOSE_DIR, 'init-postgres.sh')
  const env = {
    POSTGRES_USER: 'postgres',
    SECRETS_DIR: secrets,
    CREATE_ROLES: join(COMPOSE_DIR, '../create-roles.sh'),
  }
  await runPsqlScript(script, [], { adminUrl, dir, env })
}

/** Starts a broker with the entry program of Kafka's image, which reads the same variables. */
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
  const options = `${environment['KAFKA_HEAP_OPTS']} ${environment['KAFKA_OPTS']}`.split(' ')
  const words = [...options, '-XX:TieredStopAtLevel=1', '-cp', classPath, 'kafka.Kafka']
  containers.start('java', [...words, join(final!, 'server.properties')], { env, dir })
}

/** Runs the programs of containers as processes. */
export type Containers = {
  /** Starts a program; its output goes to the file `log` in `dir`. */
  start(
    program: string,
    words: readonly string[],
    to: { env: NodeJS.ProcessEnv; dir: string },
  ): void
}

/** The processes end with the scope: services with SIGTERM, then brokers with SIGKILL. */
export function containersOf(scope: TestScope): Containers {
  const children: { child: ChildProcess; exited: Promise<unknown>; isBroker: boolean }[] = []
  const end = async (signal: NodeJS.Signals, brokers: boolean): Promise<void> => {
    const ending = children.filter(({ isBroker }) => isBroker === brokers)
    for (const { child } of ending) child.kill(signal)
    await Promise.all(ending.map(({ exited }) => exited))
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
      children.push({ child, exited: once(child, 'exit'), isBroker: program === 'java' })
    },
  }
}

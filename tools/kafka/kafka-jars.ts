import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

const KAFKA_VERSION = '4.4.0'
const LOG4J_VERSION = '2.25.5'
const JAVA_AT_LEAST = 17
const FETCH_TIMEOUT_MS = 300_000
const LOOK_AGAIN_MS = 250

const exclusion = (artifact: string): string =>
  `<exclusion>
          <groupId>org.apache.kafka</groupId>
          <artifactId>${artifact}</artifactId>
        </exclusion>`

// kafka-tools has the commands, such as kafka-consumer-groups; Connect, which it brings, is unused.
const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId>
  <artifactId>kafka-broker</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka-tools</artifactId>
      <version>${KAFKA_VERSION}</version>
      <exclusions>
        ${['connect-api', 'connect-json', 'connect-runtime'].map(exclusion).join('')}
      </exclusions>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>${LOG4J_VERSION}</version>
    </dependency>
  </dependencies>
</project>
`

// Without a configuration only errors are logged, and the line that says "ready" would be missing.
const LOG4J = `Configuration:
  Appenders: { Console: { name: out, PatternLayout: { pattern: "[%d] %p %m (%c)%n" } } }
  Loggers: { Root: { level: INFO, AppenderRef: { ref: out } } }
`

/** Where a Kafka is that can be started. */
export type KafkaJars = { classPath: string; log4jFile: string }

/**
 * The broker's jars, fetched by Maven the first time into `CAUDAL_CACHE_DIR` (default
 * `~/.cache/caudal`), outside the repository. Processes that ask at once wait for one of them.
 *
 * @throws {Error} one sentence when Java 17 or Maven is missing
 */
export async function kafkaJars(): Promise<KafkaJars> {
  await requireJava()
  const cache = process.env['CAUDAL_CACHE_DIR'] || join(homedir(), '.cache', 'caudal')
  const home = join(cache, `kafka-${KAFKA_VERSION}`)
  if (!(await exists(home))) {
    await mkdir(cache, { recursive: true })
    await withLock(`${home}.lock`, async () => {
      if (!(await exists(home))) await fetchJars(home)
    })
  }
  return { classPath: join(home, 'jars', '*'), log4jFile: join(home, 'log4j2.yaml') }
}

/** The folder appears under its name only when everything is in it. */
async function fetchJars(home: string): Promise<void> {
  const unfinished = await mkdtemp(`${home}.tmp-`)
  try {
    await writeFile(join(unfinished, 'pom.xml'), POM)
    await writeFile(join(unfinished, 'log4j2.yaml'), LOG4J)
    const goal = [
      'dependency:copy-dependencies',
      '-DincludeScope=runtime',
      '-DoutputDirectory=jars',
    ]
    await run('mvn', ['-q', '-B', ...goal], { cwd: unfinished, timeout: FETCH_TIMEOUT_MS })
    await rename(unfinished, home)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    throw new Error(`Kafka ${KAFKA_VERSION} could not be fetched: ${mavenTrouble(error)}`, {
      cause: error,
    })
  }
}

function mavenTrouble(error: unknown): string {
  const { code, stdout = '', message } = error as NodeJS.ErrnoException & { stdout?: string }
  if (code === 'ENOENT') return 'Maven (mvn) is not installed or not in the PATH.'
  return stdout.trim().split('\n').slice(0, 3).join('\n') || message
}

async function requireJava(): Promise<void> {
  const wanted = `Kafka needs Java ${JAVA_AT_LEAST} or later`
  const answer = await run('java', ['-version']).catch((error: unknown) => {
    throw new Error(`${wanted}; "java" is not installed or not in the PATH.`, { cause: error })
  })
  const version = Number(/version "(\d+)/.exec(answer.stderr)?.[1] ?? 0)
  if (version < JAVA_AT_LEAST) throw new Error(`${wanted}; the one in the PATH is ${version}.`)
}

/** Holds a lock file that names its owner; one whose owner is dead is taken over. */
async function withLock(path: string, work: () => Promise<void>): Promise<void> {
  while (!(await takeLock(path))) await delay(LOOK_AGAIN_MS)
  try {
    await work()
  } finally {
    await rm(path, { force: true })
  }
}

async function takeLock(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx')
    await file.writeFile(String(process.pid))
    await file.close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const owner = Number(await readFile(path, 'utf8').catch(() => ''))
  // Empty while its owner is writing its number.
  if (owner > 0 && !isAlive(owner)) await rm(path, { force: true })
  return false
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

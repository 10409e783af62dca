import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

const KAFKA_VERSION = '4.4.0'
const LOG4J_VERSION = '2.25.5'
const MIN_JAVA_VERSION = 17
const FETCH_TIMEOUT_MS = 300_000
const LOCK_POLL_MS = 250

const exclusion = (artifact: string): string =>
  `<exclusion>
          <groupId>org.apache.kafka</groupId>
          <artifactId>${artifact}</artifactId>
        </exclusion>`

// kafka-tools has commands such as kafka-consumer-groups. Its dependency Connect is not needed.
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

// Without a configuration only errors are logged, and the line that signals readiness is missing.
const LOG4J = `Configuration:
  Appenders: { Console: { name: out, PatternLayout: { pattern: "[%d] %p %m (%c)%n" } } }
  Loggers: { Root: { level: INFO, AppenderRef: { ref: out } } }
`

/** The files that a broker needs. */
export type KafkaJars = { classPath: string; log4jFile: string }

/**
 * Returns the broker's jars. The first call downloads them with Maven to `CAUDAL_CACHE_DIR`
 * (default `~/.cache/caudal`), outside the repository. Concurrent processes wait for one download.
 *
 * @throws {Error} with one sentence if Java 17 or Maven is missing
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

/** Downloads to a temporary folder and renames it when it is complete. */
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
    throw new Error(`Could not download Kafka ${KAFKA_VERSION}: ${mavenReason(error)}`, {
      cause: error,
    })
  }
}

function mavenReason(error: unknown): string {
  const { code, stdout = '', message } = error as NodeJS.ErrnoException & { stdout?: string }
  if (code === 'ENOENT') return 'Maven (mvn) is not installed or not in the PATH.'
  return stdout.trim().split('\n').slice(0, 3).join('\n') || message
}

async function requireJava(): Promise<void> {
  const wanted = `Kafka needs Java ${MIN_JAVA_VERSION} or later`
  const answer = await run('java', ['-version']).catch((error: unknown) => {
    throw new Error(`${wanted}; "java" is not installed or not in the PATH.`, { cause: error })
  })
  const version = Number(/version "(\d+)/.exec(answer.stderr)?.[1] ?? 0)
  if (version < MIN_JAVA_VERSION) throw new Error(`${wanted}; the one in the PATH is ${version}.`)
}

/** Runs `work` with a lock file that contains the owner's process id; removes a dead owner's. */
async function withLock(path: string, work: () => Promise<void>): Promise<void> {
  while (!(await takeLock(path))) await delay(LOCK_POLL_MS)
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
  // The file is empty until its owner has written its process id.
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

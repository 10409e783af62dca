import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePorts } from '@caudal/local-postgres/free-port.ts'
import { type KafkaJars, kafkaJars } from './kafka-jars.ts'
import { KafkaNode, PortInUseError } from './kafka-node.ts'
import { guardOrphans } from './orphan-guard.ts'
import {
  formatProperties,
  type NodeLayout,
  type Properties,
  serverProperties,
} from './server-properties.ts'

const run = promisify(execFile)

/** The security of client connections; plaintext without it. */
export type KafkaSecurity = {
  /** Settings of the listener CLIENT, including its entry in the protocol map. */
  properties: Properties
  /** SCRAM users that are created at the first start. */
  scramUsers?: readonly { mechanism: string; username: string; password: string }[]
  jvm?: readonly string[]
}

/** How to start a cluster. */
export type KafkaOptions = {
  /** 1 by default. With 3, every record is on at least two nodes. */
  nodes?: 1 | 3
  security?: KafkaSecurity
  /** Additional settings of every node. */
  properties?: Properties
  /** Where the data is kept after a stop; by default a temporary folder that a stop removes. */
  dir?: string
  /** JVM heap per node in MiB; 256 by default. */
  heapMb?: number
  /** Lets the JVM optimise fully, for measurements. By default it is tuned to start quickly. */
  optimize?: boolean
  /** Finds free ports; by default anywhere on this machine. */
  findPorts?: (count: number) => Promise<number[]>
}

/** A running cluster. */
export type Kafka = {
  /** `host:port` of each node, the items of KAFKA_BROKERS. */
  brokers: readonly string[]
  /** The node with this id, from 1. */
  node(id: number): KafkaNode
  /** Runs a command of Kafka, such as `kafka.tools.StorageTool`; returns its output. */
  tool(mainClass: string, args: readonly string[]): Promise<string>
  /** Stops all nodes and removes temporary data. */
  stop(): Promise<void>
}

const PORT_TRIES = 3
const TOOL_TIMEOUT_MS = 90_000
/** JVM flags for a quick start: commands and most tests end before more optimisation pays off. */
const QUICK_JVM = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']

/**
 * Starts a Kafka cluster of one or three nodes (KRaft) on free ports of this machine. Resolves when
 * all nodes are ready. Needs Java 17 and Maven. All nodes end when this process ends, however it
 * ends.
 *
 * @throws {Error} with what is missing, or with the last lines of the broker's log
 */
export async function startKafka(options: KafkaOptions = {}): Promise<Kafka> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await startOnce(options)
    } catch (error) {
      // Another program may have taken a port between its choice and its use.
      const again = error instanceof PortInUseError && options.dir === undefined
      if (!again || tries === PORT_TRIES) throw error
    }
  }
}

async function startOnce(options: KafkaOptions): Promise<Kafka> {
  const jars = await kafkaJars()
  const temporary = options.dir === undefined
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'caudal-kafka-')))
  const layouts = await layOutNodes(dir, options.nodes ?? 1, options.findPorts ?? freePorts)
  const guard = guardOrphans(temporary ? dir : undefined)
  const nodes: KafkaNode[] = []
  const onProcessChange = (): void => guard.watch(nodes.flatMap(({ pid }) => pid ?? []))
  const stop = async (): Promise<void> => {
    // Nodes with temporary data need no controlled shutdown.
    await Promise.all(nodes.map((node) => (temporary ? node.kill() : node.stop())))
    if (temporary) await rm(dir, { recursive: true, force: true })
    guard.release()
  }
  try {
    await prepare(jars, dir, layouts, options)
    const jvm = [...(options.optimize ? [] : QUICK_JVM), ...(options.security?.jvm ?? [])]
    const heapMb = options.heapMb ?? 256
    for (const layout of layouts) {
      nodes.push(
        new KafkaNode({ id: layout.id, dir: layout.dir, jars, heapMb, jvm, onProcessChange }),
      )
    }
    await Promise.all(nodes.map((node) => node.start()))
  } catch (error) {
    await Promise.all(nodes.map((node) => node.kill()))
    await stop()
    throw error
  }
  return {
    brokers: layouts.map(({ clientPort }) => `127.0.0.1:${clientPort}`),
    node: (id) => nodes[id - 1]!,
    tool: (mainClass, args) => runTool(jars, mainClass, args),
    stop,
  }
}

/** Stores the ports with the data, because the nodes of a cluster find each other by them. */
async function layOutNodes(
  dir: string,
  count: number,
  findPorts: (count: number) => Promise<number[]>,
): Promise<NodeLayout[]> {
  const file = join(dir, 'nodes.json')
  const known = await readFile(file, 'utf8').catch(() => undefined)
  if (known !== undefined) {
    const layouts = JSON.parse(known) as NodeLayout[]
    if (layouts.length === count) return layouts
    throw new Error(`${dir} contains the data of ${layouts.length} Kafka nodes, not ${count}.`)
  }
  const ports = await findPorts(count * 3)
  const layouts = Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    clientPort: ports[index * 3]!,
    internalPort: ports[index * 3 + 1]!,
    controllerPort: ports[index * 3 + 2]!,
    dir: join(dir, `node-${index + 1}`),
  }))
  await mkdir(dir, { recursive: true })
  await writeFile(file, JSON.stringify(layouts))
  return layouts
}

/** Writes the settings and formats the data folders of new nodes. */
async function prepare(
  jars: KafkaJars,
  dir: string,
  layouts: readonly NodeLayout[],
  { security, properties }: KafkaOptions,
): Promise<void> {
  const clusterId = await loadOrCreateId(join(dir, 'cluster-id'))
  const controllers = layouts.map((it) => `${it.id}@127.0.0.1:${it.controllerPort}:${newId()}`)
  await Promise.all(
    layouts.map(async (layout) => {
      await mkdir(layout.dir, { recursive: true })
      const file = join(layout.dir, 'server.properties')
      const own = { ...security?.properties, ...properties }
      await writeFile(file, formatProperties(serverProperties(layout, layouts, own)))
      if (await exists(join(layout.dir, 'data', 'meta.properties'))) return
      const users = (security?.scramUsers ?? []).flatMap((user) => [
        '--add-scram',
        `${user.mechanism}=[name=${user.username},password=${user.password}]`,
      ])
      const format = ['format', '-t', clusterId, '-c', file, ...users]
      const quorum = ['--initial-controllers', controllers.join(',')]
      await runTool(jars, 'kafka.tools.StorageTool', [...format, ...quorum])
    }),
  )
}

async function loadOrCreateId(file: string): Promise<string> {
  const known = await readFile(file, 'utf8').catch(() => undefined)
  if (known !== undefined) return known
  const id = newId()
  await writeFile(file, id)
  return id
}

/** A random id in Kafka's format. Kafka's commands would take a leading hyphen for an option. */
function newId(): string {
  const id = randomBytes(16).toString('base64url')
  return id.startsWith('-') ? newId() : id
}

async function runTool(
  jars: KafkaJars,
  mainClass: string,
  args: readonly string[],
): Promise<string> {
  const java = [...QUICK_JVM, '-cp', jars.classPath, mainClass, ...args]
  const { stdout } = await run('java', java, { timeout: TOOL_TIMEOUT_MS })
  return stdout
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

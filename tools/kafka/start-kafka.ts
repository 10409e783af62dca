import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePorts } from '@caudal/local-postgres/free-port.ts'
import { type KafkaJars, kafkaJars } from './kafka-jars.ts'
import { KafkaNode, PortTakenError } from './kafka-node.ts'
import { guardOrphans } from './orphan-guard.ts'
import {
  formatProperties,
  type NodePlace,
  type Properties,
  serverProperties,
} from './server-properties.ts'

const run = promisify(execFile)

/** How clients come in; none: plaintext. */
export type KafkaSecurity = {
  /** Settings of the listener CLIENT, its entry in the protocol map included. */
  properties: Properties
  /** Users for SCRAM that exist from the first start on. */
  scramUsers?: readonly { mechanism: string; username: string; password: string }[]
  jvm?: readonly string[]
}

export type KafkaOptions = {
  /** 1 by default. Three keep every record on two at least. */
  nodes?: 1 | 3
  security?: KafkaSecurity
  /** Settings of every node beyond the usual. */
  properties?: Properties
  /** Keeps the data here over a stop; default: a temporary folder that a stop removes. */
  dir?: string
  /** 256 by default. */
  heapMb?: number
  /** The JVM compiles well instead of quickly: for measurements. */
  optimize?: boolean
  /** Where ports come from that nobody listens at; default: anywhere on this machine. */
  findPorts?: (count: number) => Promise<number[]>
}

export type Kafka = {
  /** `host:port` of each node, as KAFKA_BROKERS has them, comma by comma. */
  brokers: readonly string[]
  /** By number, from 1. */
  node(id: number): KafkaNode
  /** Runs a command of Kafka's own, such as `kafka.tools.StorageTool`; gives what it prints. */
  tool(mainClass: string, args: readonly string[]): Promise<string>
  /** Stops all nodes and removes temporary data. */
  stop(): Promise<void>
}

const PORT_TRIES = 3
const TOOL_TIMEOUT_MS = 90_000
/** Quick to start; a command and most tests end before more would pay. */
const QUICK_JVM = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']

/**
 * Starts a real Kafka of one or three nodes (KRaft) on free ports of this machine; resolves when
 * all serve. Java 17 and Maven are needed. All nodes end with this process, however that ends.
 *
 * @throws {Error} in sentences: what is missing, or what the broker said last
 */
export async function startKafka(options: KafkaOptions = {}): Promise<Kafka> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await startOnce(options)
    } catch (error) {
      // Between the choice of a port and its use lie seconds in which somebody else may take it.
      const again = error instanceof PortTakenError && options.dir === undefined
      if (!again || tries === PORT_TRIES) throw error
    }
  }
}

async function startOnce(options: KafkaOptions): Promise<Kafka> {
  const jars = await kafkaJars()
  const temporary = options.dir === undefined
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'caudal-kafka-')))
  const places = await placeNodes(dir, options.nodes ?? 1, options.findPorts ?? freePorts)
  const guard = guardOrphans(temporary ? dir : undefined)
  const nodes: KafkaNode[] = []
  const changed = (): void => guard.watch(nodes.flatMap(({ pid }) => pid ?? []))
  const stop = async (): Promise<void> => {
    // Data that nobody keeps need not be handed over.
    await Promise.all(nodes.map((node) => (temporary ? node.kill() : node.stop())))
    if (temporary) await rm(dir, { recursive: true, force: true })
    guard.release()
  }
  try {
    await prepare(jars, dir, places, options)
    const jvm = [...(options.optimize ? [] : QUICK_JVM), ...(options.security?.jvm ?? [])]
    const heapMb = options.heapMb ?? 256
    for (const place of places) {
      nodes.push(new KafkaNode({ id: place.id, dir: place.dir, jars, heapMb, jvm, changed }))
    }
    await Promise.all(nodes.map((node) => node.start()))
  } catch (error) {
    await Promise.all(nodes.map((node) => node.kill()))
    await stop()
    throw error
  }
  return {
    brokers: places.map(({ clientPort }) => `127.0.0.1:${clientPort}`),
    node: (id) => nodes[id - 1]!,
    tool: (mainClass, args) => runTool(jars, mainClass, args),
    stop,
  }
}

/** Ports are kept with the data: the nodes of a cluster find each other by them. */
async function placeNodes(
  dir: string,
  count: number,
  findPorts: (count: number) => Promise<number[]>,
): Promise<NodePlace[]> {
  const file = join(dir, 'nodes.json')
  const known = await readFile(file, 'utf8').catch(() => undefined)
  if (known !== undefined) {
    const places = JSON.parse(known) as NodePlace[]
    if (places.length === count) return places
    throw new Error(`${dir} has the data of ${places.length} Kafka nodes, not of ${count}.`)
  }
  const ports = await findPorts(count * 3)
  const places = Array.from({ length: count }, (_, index) => ({
    id: index + 1,
    clientPort: ports[index * 3]!,
    internalPort: ports[index * 3 + 1]!,
    controllerPort: ports[index * 3 + 2]!,
    dir: join(dir, `node-${index + 1}`),
  }))
  await mkdir(dir, { recursive: true })
  await writeFile(file, JSON.stringify(places))
  return places
}

/** Writes the settings and formats the nodes that have no data yet. */
async function prepare(
  jars: KafkaJars,
  dir: string,
  places: readonly NodePlace[],
  { security, properties }: KafkaOptions,
): Promise<void> {
  const clusterId = await rememberId(join(dir, 'cluster-id'))
  const controllers = places.map((it) => `${it.id}@127.0.0.1:${it.controllerPort}:${newId()}`)
  await Promise.all(
    places.map(async (place) => {
      await mkdir(place.dir, { recursive: true })
      const file = join(place.dir, 'server.properties')
      const own = { ...security?.properties, ...properties }
      await writeFile(file, formatProperties(serverProperties(place, places, own)))
      if (await isThere(join(place.dir, 'data', 'meta.properties'))) return
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

async function rememberId(file: string): Promise<string> {
  const known = await readFile(file, 'utf8').catch(() => undefined)
  if (known !== undefined) return known
  const id = newId()
  await writeFile(file, id)
  return id
}

/** 16 bytes as Kafka writes them; its commands take a leading hyphen for an option. */
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

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

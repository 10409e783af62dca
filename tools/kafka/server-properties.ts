/** One node of a cluster: its id (from 1), its ports and its folder. */
export type NodeLayout = {
  id: number
  clientPort: number
  internalPort: number
  controllerPort: number
  dir: string
}

/** Kafka settings by name. */
export type Properties = Record<string, string | number | boolean>

/**
 * The settings of one node: a combined broker and controller that uses little memory, starts
 * quickly and fails over quickly. Clients connect to the listener CLIENT, which `security`
 * configures; the other listeners are for the nodes.
 */
export function serverProperties(
  node: NodeLayout,
  cluster: readonly NodeLayout[],
  security: Properties,
): Properties {
  const listeners =
    `CLIENT://127.0.0.1:${node.clientPort},INTERNAL://127.0.0.1:${node.internalPort},` +
    `CONTROLLER://127.0.0.1:${node.controllerPort}`
  const copies = Math.min(3, cluster.length)
  const inSync = Math.min(2, copies)
  return {
    'process.roles': 'broker,controller',
    'node.id': node.id,
    listeners,
    'advertised.listeners': listeners,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'INTERNAL',
    'listener.security.protocol.map': 'CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.quorum.bootstrap.servers': cluster
      .map(({ controllerPort }) => `127.0.0.1:${controllerPort}`)
      .join(','),
    'log.dirs': `${node.dir}/data`,
    'auto.create.topics.enable': false,
    'default.replication.factor': copies,
    'min.insync.replicas': inSync,
    ...internalTopics(copies, inSync),
    // A killed node is replaced after 4 s instead of 9 s; a new group starts without a delay.
    'broker.session.timeout.ms': 4_000,
    'broker.heartbeat.interval.ms': 1_000,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1_000,
    'num.network.threads': 1,
    'num.io.threads': 2,
    'background.threads': 1,
    'log.cleaner.dedupe.buffer.size': 2_097_152,
    ...security,
  }
}

function internalTopics(copies: number, inSync: number): Properties {
  return {
    'offsets.topic.replication.factor': copies,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': inSync,
    'share.coordinator.state.topic.num.partitions': 1,
  }
}

/** Formats the settings as a .properties file. */
export function formatProperties(properties: Properties): string {
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}`)
  return `${lines.join('\n')}\n`
}

import type { ComposeFile, ComposeService } from './compose-file.ts'

type Rule = (name: string, service: ComposeService, file: ComposeFile) => (string | false)[]

const IN_SECRETS = /\/run\/secrets\/([\w-]+)/g
const SECRET_NAME = /PASSWORD|SECRET|TOKEN|SIGNING_KEY|API_KEY|IDENTITY_CLIENTS/
/** A version of two numbers or more, or a digest. */
const EXACT_IMAGE = /(?::\d+(?:\.\d+)+[\w.-]*|@sha256:[\da-f]{64})$/
const OWN_IMAGE = 'caudal:local'
/** The only networks of what holds data, so that who is in none of them cannot reach it. */
const DATA_NETWORKS: Record<string, string> = {
  postgres: 'database,simulators',
  'kafka-1': 'log',
  'kafka-2': 'log',
  'kafka-3': 'log',
  redis: 'cache',
}
const PUBLIC_NETWORK = 'edge'
const PUBLIC_SERVICE = 'api-gateway'

/** What breaks the rules of docs/guides/containers.md, as sentences. */
export function composeErrors(file: ComposeFile): string[] {
  const rules = [confinement, resources, images, secrets, networks, developmentLogin, kafka, stores]
  const found = Object.entries(file.services).flatMap(([name, service]) =>
    rules.flatMap((rule) =>
      rule(name, service, file).flatMap((it) => (it === false ? [] : [`${name}: ${it}`])),
    ),
  )
  const open = Object.entries(file.networks).filter(
    ([name, network]) => name !== PUBLIC_NETWORK && network.internal !== true,
  )
  return [...found, ...open.map(([name]) => `network ${name}: is not internal`)]
}

const confinement: Rule = (_, service) => [
  service.read_only !== true && 'its root file system can be written',
  service.privileged === true && 'is privileged',
  service.cap_drop?.join() !== 'ALL' && 'keeps capabilities',
  service.cap_add !== undefined && 'gets capabilities',
  service.security_opt?.join() !== 'no-new-privileges:true' && 'may get new privileges',
  [service.pid, service.ipc, service.userns_mode].includes('host') && 'shares with the host',
  service.devices !== undefined && 'has devices',
  !/^[1-9]\d*:[1-9]\d*$/.test(service.user ?? '') && 'may run as root',
  (service.volumes ?? []).some((it) => /^[/~]/.test(it)) && 'has a folder of the host',
]

const resources: Rule = (_, service) => [
  service.mem_limit === undefined && 'has no limit of memory',
  service.cpus === undefined && 'has no limit of CPU',
  service.pids_limit === undefined && 'has no limit of processes',
  service.restart !== 'no' && service.healthcheck === undefined && 'has no health check',
]

const images: Rule = (_, { image }) => [
  image !== OWN_IMAGE && !EXACT_IMAGE.test(image) && `the image ${image} has no exact version`,
]

const secrets: Rule = (_, service, file) => {
  const given = service.secrets ?? []
  const entries = Object.entries(service.environment ?? {})
  const used = [...entries.map(([, value]) => value), ...(service.command ?? [])].map(String)
  const named = used.flatMap((text) => [...text.matchAll(IN_SECRETS)].map(([, name = '']) => name))
  return [
    ...given.map((it) => file.secrets[it] === undefined && `the secret ${it} is not declared`),
    ...named.map((it) => !given.includes(it) && `it names the secret ${it}, which it does not get`),
    ...entries.map(
      ([name]) =>
        SECRET_NAME.test(name) && !name.endsWith('_FILE') && `${name} is a secret, not a file`,
    ),
    ...entries.map(
      ([name, value]) => /:\/\/[^/@]*:[^/@]+@/.test(String(value)) && `${name} has a password`,
    ),
    service.env_file !== undefined && 'its environment is in another file',
    // Those of PostgreSQL are read by a script.
    ...given.map(
      (it) => service.image.startsWith('caudal') && !named.includes(it) && `it never reads ${it}`,
    ),
  ]
}

const networks: Rule = (name, service) => {
  const own = service.networks ?? []
  const isPublic = name === PUBLIC_SERVICE
  const ports = service.ports ?? []
  return [
    own.length === 0 && !service.network_mode?.startsWith('service:') && 'has the default network',
    own.includes(PUBLIC_NETWORK) && !isPublic && 'is in the public network',
    ports.length > 0 && !isPublic && 'publishes a port',
    ports.some((port) => !port.startsWith('127.0.0.1:')) && 'publishes a port to every address',
    isPublic && own.some((it) => it === 'database' || it === 'log') && 'reaches data directly',
    own.includes('database') && own.includes('simulators') && name !== 'postgres' && 'joins them',
    own.includes('cache') && !isPublic && name !== 'redis' && 'reaches Redis',
    name in DATA_NETWORKS && own.join() !== DATA_NETWORKS[name] && `is in ${own.join()}`,
  ]
}

const developmentLogin: Rule = (name, service, file) => {
  const { environment = {}, profiles = [] } = service
  const joined = service.network_mode?.replace('service:', '')
  return [
    ...(environment['CAUDAL_DEVELOPMENT_LOGIN'] === undefined
      ? []
      : [
          profiles.join() !== 'trial' && 'has development login without a profile',
          environment['CAUDAL_HOST'] !== '127.0.0.1' && 'has development login beyond loopback',
        ]),
    joined !== undefined && file.services[joined] === undefined && `joins ${joined}`,
    joined !== undefined && profiles.join() !== 'trial' && `joins ${joined} without a profile`,
    (service.secrets ?? []).includes('trial-clients') &&
      name !== 'development-login' &&
      'knows the clients of a trial',
  ]
}

const kafka: Rule = (name, { image, environment = {} }) => {
  const set = (key: string): string => String(environment[key] ?? '')
  if (!image.startsWith('apache/kafka')) {
    const user = set('KAFKA_SASL_USERNAME')
    const isService = set('DATABASE_URL') !== ''
    const own = name === 'development-login' ? 'identity' : name
    return [
      user !== '' && user !== (isService ? own : 'admin') && `logs in to Kafka as ${user}`,
      isService && user !== '' && set('KAFKA_TOPICS') !== 'check' && 'may create topics',
    ]
  }
  const listeners = set('KAFKA_LISTENER_SECURITY_PROTOCOL_MAP').split(',')
  return [
    !listeners.every((it) => /:SASL_(?:PLAINTEXT|SSL)$/.test(it)) && 'has a listener without login',
    !set('KAFKA_AUTHORIZER_CLASS_NAME').endsWith('.StandardAuthorizer') && 'has no access lists',
    set('KAFKA_SUPER_USERS') !== 'User:broker;User:admin' && 'has other super users',
    set('KAFKA_ALLOW_EVERYONE_IF_NO_ACL_FOUND') === 'true' && 'allows what no list names',
    set('KAFKA_OPTS') !== '-Djava.security.auth.login.config=/run/secrets/kafka-jaas' &&
      'has no users',
  ]
}

const stores: Rule = (_, { image, command = [], environment = {} }) => [
  image.startsWith('redis') && command[1] !== '/run/secrets/redis-conf' && 'needs no password',
  image.startsWith('postgres') &&
    environment['POSTGRES_PASSWORD_FILE'] === undefined &&
    'has no password',
  environment['POSTGRES_HOST_AUTH_METHOD'] !== undefined && 'changes how clients log in',
]

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { COMPOSE_DIR, parseComposeFile } from './compose-file.ts'
import { composeErrors } from './compose-rules.ts'

const compose = readFileSync(join(COMPOSE_DIR, 'compose.yaml'), 'utf8')
const errorsOf = (text: string): string[] =>
  composeErrors(parseComposeFile(text, { KAFKA_CLUSTER_ID: 'x' }))

test('compose.yaml confines every container, and has no secret in it', () => {
  assert.deepEqual(errorsOf(compose), [])
})

/** A mistake, and the sentence that must find it. */
const MISTAKES: [from: string, to: string, found: RegExp][] = [
  ['read_only: true', 'read_only: false', /payments: its root file system can be written/],
  ['cap_drop: [ALL]', 'cap_drop: []', /kafka-1: keeps capabilities/],
  ['cap_drop: [ALL]', 'cap_drop: [ALL]\n  cap_add: [CHOWN]', /redis: gets capabilities/],
  ['cap_drop: [ALL]', 'cap_drop: [ALL]\n  privileged: true', /postgres: is privileged/],
  ["['no-new-privileges:true']", '[]', /api-gateway: may get new privileges/],
  ["['no-new-privileges:true']", '[seccomp:unconfined]', /redis: may get new privileges/],
  [
    "['no-new-privileges:true']",
    "['no-new-privileges:true', 'seccomp:unconfined']",
    /wallets: may get new privileges/,
  ],
  ['cap_drop: [ALL]', 'cap_drop: [ALL]\n  pid: host', /orders: shares with the host/],
  ['cap_drop: [ALL]', 'cap_drop: [ALL]\n  devices: [/dev/kmsg]', /identity: has devices/],
  ['- postgres-data:/', '- /:/', /postgres: has a folder of the host/],
  ["['kafka-1-data:/", "['/run/docker.sock:/", /kafka-1: has a folder of the host/],
  ['cap_drop: [ALL]', 'cap_drop: [ALL]\n  env_file: .env', /processor: its environment is in/],
  ["user: '1000:1000'", "user: '0:0'", /wallets: may run as root/],
  ["user: '999:999'", 'tty: true', /postgres: may run as root/],
  ['mem_limit: 768m', 'mem_reservation: 1m', /orders: has no limit of memory/],
  ['cpus: 1.0', 'cpu_shares: 1', /identity: has no limit of CPU/],
  ['pids_limit: 128', 'mem_swappiness: 1', /redis: has no limit of processes/],
  [
    'pg_isready, -h, 127.0.0.1, -U, postgres]',
    'pg_isready]\n    privileged: true',
    /is privileged/,
  ],
  ['image: postgres:18.4', 'image: postgres:18', /postgres:18 has no exact version/],
  ['image: redis:8.2.3', 'image: redis', /image redis has no exact version/],
  ['image: apache/kafka:4.4.0', 'image: apache/kafka:latest', /latest has no exact version/],
  ['POSTGRES_PASSWORD_FILE: /run/secrets/', 'POSTGRES_PASSWORD: ', /is a secret, not a file/],
  ['caudal_wallets@', 'caudal_wallets:x@', /wallets: DATABASE_URL has a password/],
  ['secrets: [kafka-jaas]', 'secrets: []', /kafka-2: it names the secret kafka-jaas/],
  ['- payments-client-secret', '- cli-client-secret', /payments: it never reads cli-client/],
  ['networks: [cache]', 'networks: [cache, services]', /redis: is in cache,services/],
  [
    'networks: [edge, services, cache, providers]',
    'networks: [edge, database]',
    /gateway: reaches data/,
  ],
  ['  log: { internal: true }', '  log: {}', /network log: is not internal/],
  ["'127.0.0.1:8080:8080'", "'8080:8080'", /publishes a port to every address/],
  ['networks: [log]', "networks: [log]\n  ports: ['127.0.0.1:9092:9092']", /kafka-1: publishes/],
  ['CAUDAL_HOST: 127.0.0.1', 'CAUDAL_HOST: 0.0.0.0', /development login beyond loopback/],
  ['profiles: [trial]', 'profiles: []', /development-login: has development login without/],
  ['CONTROLLER:SASL_PLAINTEXT', 'CONTROLLER:PLAINTEXT', /kafka-1: has a listener without login/],
  ['KAFKA_AUTHORIZER_CLASS_NAME', 'KAFKA_OTHER', /kafka-3: has no access lists/],
  ['User:broker;User:admin', 'User:ANONYMOUS', /kafka-1: has other super users/],
  ['KAFKA_TOPICS: check', 'KAFKA_TOPICS: create', /payments: may create topics/],
  ['KAFKA_SASL_USERNAME: wallets', 'KAFKA_SASL_USERNAME: admin', /wallets: logs in to Kafka as/],
  ['redis-server, /run/secrets/redis-conf', 'redis-server, --port, 6379', /redis: needs no pass/],
]

test('every rule finds a mistake that is planted in compose.yaml', () => {
  for (const [from, to, found] of MISTAKES) {
    assert.ok(compose.includes(from), `compose.yaml has "${from}"`)
    assert.match(errorsOf(compose.replace(from, to)).join('\n'), found, `${from} → ${to}`)
  }
})

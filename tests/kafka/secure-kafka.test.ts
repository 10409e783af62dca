import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { KafkaConfig } from '@caudal/config/kafka-config.ts'
import { newId } from '@caudal/contracts/ids.ts'
import type { EventLog } from '@caudal/event-log/event-log.ts'
import { openKafkaLog } from '@caudal/event-log/kafka/open-kafka-log.ts'
import { startTestIssuer, type TestIssuer } from '@caudal/http/start-test-issuer.ts'
import { toKafkaSettings } from '@caudal/service/to-kafka-settings.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { SLOW } from '@caudal/testing/slow.ts'
import { type Kafka, startKafka } from '../../tools/kafka/start-kafka.ts'
import { readTopic } from '../support/processes/read-topic.ts'
import { type TestCertificate, testCertificate } from './support/test-certificate.ts'

const LOGIN = { username: 'wallets', password: 'correct horse' }
const CLIENT = { clientId: 'wallets', clientSecret: 'a secret of the client' }
const SECURITY = 'org.apache.kafka.common.security'
const OAUTH = `${SECURITY}.oauthbearer`
const LISTENER = 'listener.name.client'
const BEARER = `${LISTENER}.oauthbearer`
const CALLBACK = 'sasl.server.callback.handler.class'
const SCRAMS = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
/** The broker requires a new login after this time, however long the token is valid. */
const SESSION_MS = 3_000
/** The lifetime of tokens; a short one is renewed after some logins. */
const LIFE_SECONDS = { usual: 60, short: 8 }
/** The API key of the request that authenticates (KIP-43). */
const SASL_AUTHENTICATE = 36

let folder: string
let issuer: TestIssuer
let tokens: Server
let tokensIssued = 0
let lifeSeconds = LIFE_SECONDS.usual
let certificate: TestCertificate
let clientCertificate: TestCertificate
let kafka: Kafka
/** Clean-up functions of what has started, so that a failed start leaves nothing behind. */
const cleanups: (() => Promise<unknown>)[] = []

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caudal-secure-kafka-'))
  cleanups.push(() => rm(folder, { recursive: true }))
  issuer = await startTestIssuer({ algorithm: 'RS256' })
  cleanups.push(() => issuer.stop())
  tokens = await startTokenEndpoint()
  cleanups.push(async () => {
    tokens.closeAllConnections()
    await new Promise((closed) => tokens.close(closed))
  })
  certificate = await testCertificate(folder, 'kafka')
  clientCertificate = await testCertificate(folder, 'client')
  kafka = await startSecureKafka()
  cleanups.push(() => kafka.stop())
}, SLOW)
after(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup()
})

async function startTokenEndpoint(): Promise<Server> {
  const basic = Buffer.from(
    `${CLIENT.clientId}:${encodeURIComponent(CLIENT.clientSecret)}`,
  ).toString('base64')
  const server = createServer((request, response) => {
    const known = request.headers.authorization === `Basic ${basic}`
    if (known) tokensIssued += 1
    void issuer.sign({ sub: 'wallets' }, { expiresInSeconds: lifeSeconds }).then((token) => {
      response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' })
      response.end(JSON.stringify(known ? { access_token: token, expires_in: lifeSeconds } : {}))
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return server
}

/**
 * Starts Kafka with a TLS listener that accepts PLAIN and SCRAM with a password, and OAUTHBEARER
 * with the issuer's tokens. A client certificate is optional, but must be trusted.
 */
async function startSecureKafka(): Promise<Kafka> {
  return startKafka({
    security: {
      properties: {
        'listener.security.protocol.map': 'CLIENT:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
        'ssl.keystore.type': 'PKCS12',
        'ssl.keystore.location': certificate.keyStore,
        'ssl.keystore.password': certificate.password,
        // With SASL, Kafka requests certificates only if the listener is configured so (KIP-684).
        [`${LISTENER}.ssl.client.auth`]: 'requested',
        'ssl.truststore.type': 'PEM',
        'ssl.truststore.location': clientCertificate.caFile,
        'sasl.enabled.mechanisms': ['PLAIN', ...SCRAMS, 'OAUTHBEARER'].join(','),
        [`${LISTENER}.plain.sasl.jaas.config`]:
          `${SECURITY}.plain.PlainLoginModule required ` +
          `user_${LOGIN.username}="${LOGIN.password}";`,
        ...Object.fromEntries(
          SCRAMS.map((mechanism) => [
            `${LISTENER}.${mechanism.toLowerCase()}.sasl.jaas.config`,
            `${SECURITY}.scram.ScramLoginModule required;`,
          ]),
        ),
        [`${BEARER}.sasl.jaas.config`]: `${OAUTH}.OAuthBearerLoginModule required;`,
        [`${BEARER}.${CALLBACK}`]: `${OAUTH}.OAuthBearerValidatorCallbackHandler`,
        [`${BEARER}.connections.max.reauth.ms`]: SESSION_MS,
        'sasl.oauthbearer.jwks.endpoint.url': issuer.jwksUrl,
        'sasl.oauthbearer.expected.issuer': issuer.issuer,
        'sasl.oauthbearer.expected.audience': 'caudal',
      },
      scramUsers: SCRAMS.map((mechanism) => ({ mechanism, ...LOGIN })),
      jvm: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${issuer.jwksUrl}`],
    },
  })
}

async function open(config: Partial<KafkaConfig>, topic: string): Promise<EventLog> {
  return openKafkaLog({
    settings: toKafkaSettings({ brokers: [...kafka.brokers], checkTopicsOnly: false, ...config }),
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics: createMetrics('test'),
    topics: [topic],
  })
}

/** Appends a record and reads it back. */
async function passThrough(config: Partial<KafkaConfig>): Promise<void> {
  const topic = `secure.${newId()}`
  const log = await open(config, topic)
  try {
    await log.append([{ topic, key: 'key', value: 'value', headers: {} }])
    const partitions = Array.from({ length: 12 }, (_, partition) => ({ topic, partition }))
    const records = await readTopic(log, topic)
    assert.deepEqual(
      records.map(({ value }) => value),
      ['value'],
    )
    await eventually(async () => (await log.end(partitions)).length === 12)
  } finally {
    await log.close()
  }
}

type Password = Extract<KafkaConfig['login'], { password: string }>['mechanism']

const login = (mechanism: Password, password = LOGIN.password): Partial<KafkaConfig> => ({
  tls: { ca: certificate.ca },
  login: { mechanism, username: LOGIN.username, password },
})

const bearer = (clientSecret = CLIENT.clientSecret): Partial<KafkaConfig> => {
  const tokenUrl = `http://127.0.0.1:${(tokens.address() as AddressInfo).port}/token`
  const client = { tokenUrl, clientId: CLIENT.clientId, clientSecret, scope: '' }
  return { tls: { ca: certificate.ca }, login: { mechanism: 'OAUTHBEARER', tokens: client } }
}

const PASSWORDS = ['PLAIN', ...SCRAMS] as const

test('F14: a client can log in over TLS with a password by PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512', async () => {
  for (const mechanism of PASSWORDS) await passThrough(login(mechanism))
})

test('F14: a wrong password is refused with a message that does not contain it', async () => {
  await Promise.all(
    PASSWORDS.map((mechanism) =>
      assert.rejects(passThrough(login(mechanism, 'wrong horse')), (error: Error) => {
        assert.equal((error as Error & { code: string }).code, 'EVENT_LOG_REFUSED')
        assert.match(error.message, /authentication/i)
        assert.doesNotMatch(error.message, /wrong horse/)
        return true
      }),
    ),
  )
})

test('F14: the broker verifies the certificate of the client', async () => {
  const { ca } = certificate
  const shows = ({ ca: cert, key }: TestCertificate) =>
    passThrough({ ...login('SCRAM-SHA-512'), tls: { ca, cert, key } })
  await shows(clientCertificate)
  await assert.rejects(shows(await testCertificate(folder, 'stranger')), {
    code: 'EVENT_LOG_UNAVAILABLE',
  })
})

test('F14: a broker with a certificate of an unknown authority is not trusted', async () => {
  const { ca } = await testCertificate(folder, 'another')
  await assert.rejects(passThrough({ ...login('SCRAM-SHA-512'), tls: { ca } }), (error: Error) => {
    assert.match(error.message, /certificate/)
    return true
  })
})

test('F14: OAUTHBEARER uses one token of the client for all connections', async () => {
  await passThrough(bearer())
  assert.equal(tokensIssued, 1)
})

test('F14: OAUTHBEARER logs in again with a new token on an open connection', async (t) => {
  // The number of the token at each login, by connection.
  const logins = new Map<object, number[]>()
  const onMessage = (message: unknown): void => {
    const { apiKey, connection } = message as { apiKey: number; connection: object }
    if (apiKey !== SASL_AUTHENTICATE) return
    logins.set(connection, [...(logins.get(connection) ?? []), tokensIssued])
  }
  subscribe('tracing:plt:kafka:connections:api:start', onMessage)
  lifeSeconds = LIFE_SECONDS.short
  t.after(() => {
    lifeSeconds = LIFE_SECONDS.usual
    unsubscribe('tracing:plt:kafka:connections:api:start', onMessage)
  })
  const [topic, key] = [`secure.${newId()}`, 'key']
  const log = await open(bearer(), topic)
  t.after(() => log.close())
  let sent = 0
  const renewed = (): boolean => [...logins.values()].some((shown) => new Set(shown).size >= 2)
  await eventually(
    async () => {
      const records = [0, 1, 2].map((each) => `${sent + each}`)
      await log.append(records.map((value) => ({ topic, key, value, headers: {} })))
      sent += records.length
      return renewed()
    },
    { timeoutMs: 60_000, label: 'a connection has used a second token' },
  )
  const read = await readTopic(log, topic)
  const expected = Array.from({ length: sent }, (_, index) => `${index}`)
  assert.deepEqual([...new Set(read.map(({ value }) => value))], expected, 'no record was lost')
  t.diagnostic(`${sent} records; tokens used: ${[...logins.values()].join(' | ')}`)
})

test('F14: OAUTHBEARER reads a token from a file, and an expired one is refused', async () => {
  const tokenFile = join(folder, 'token')
  const config: Partial<KafkaConfig> = {
    tls: { ca: certificate.ca },
    login: { mechanism: 'OAUTHBEARER', tokens: { tokenFile } },
  }
  await writeFile(tokenFile, `${await issuer.sign()}\n`)
  await passThrough(config)
  await writeFile(tokenFile, await issuer.sign({}, { expiresInSeconds: -60 }))
  await assert.rejects(passThrough(config), { code: 'EVENT_LOG_REFUSED' })
})

test('F14: a client that the token endpoint refuses cannot open the log', async () => {
  await assert.rejects(passThrough(bearer('another secret')), /the issuer answered 401/)
})

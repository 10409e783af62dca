import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { newId } from '@caudal/contracts/ids.ts'
import { openKafkaLog } from '@caudal/event-log/kafka/open-kafka-log.ts'
import type { KafkaConfig } from '@caudal/http/kafka-settings.ts'
import { startTestIssuer, type TestIssuer } from '@caudal/http/start-test-issuer.ts'
import { kafkaSettings } from '@caudal/service/kafka-settings.ts'
import { createLogger } from '@caudal/telemetry/logger.ts'
import { createMetrics } from '@caudal/telemetry/metrics.ts'
import { eventually } from '@caudal/testing/eventually.ts'
import { type Kafka, startKafka } from '../../tools/kafka/start-kafka.ts'
import { type TestCertificate, testCertificate } from './support/test-certificate.ts'

const LOGIN = { username: 'wallets', password: 'correct horse' }
const CLIENT = { clientId: 'wallets', clientSecret: 'a secret of the client' }
const SECURITY = 'org.apache.kafka.common.security'
const OAUTH = `${SECURITY}.oauthbearer`
const SCRAM = 'listener.name.client.scram-sha-512.sasl'
const BEARER = 'listener.name.client.oauthbearer.sasl'

let folder: string
let issuer: TestIssuer
let tokens: Server
let tokensIssued = 0
let certificate: TestCertificate
let kafka: Kafka

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caudal-secure-kafka-'))
  issuer = await startTestIssuer({ algorithm: 'RS256' })
  tokens = await startTokenEndpoint()
  certificate = await testCertificate(folder, 'kafka')
  kafka = await startSecureKafka()
})
after(async () => {
  await kafka.stop()
  await issuer.stop()
  await new Promise((closed) => tokens.close(closed))
  await rm(folder, { recursive: true })
})

async function startTokenEndpoint(): Promise<Server> {
  const basic = Buffer.from(
    `${CLIENT.clientId}:${encodeURIComponent(CLIENT.clientSecret)}`,
  ).toString('base64')
  const server = createServer((request, response) => {
    const known = request.headers.authorization === `Basic ${basic}`
    if (known) tokensIssued += 1
    void issuer.sign({ sub: 'wallets' }, { expiresInSeconds: 60 }).then((token) => {
      response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' })
      response.end(JSON.stringify(known ? { access_token: token, expires_in: 60 } : {}))
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return server
}

/** A listener with TLS that takes SCRAM by password and OAUTHBEARER by the issuer's tokens. */
async function startSecureKafka(): Promise<Kafka> {
  return startKafka({
    security: {
      properties: {
        'listener.security.protocol.map': 'CLIENT:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
        'ssl.keystore.type': 'PKCS12',
        'ssl.keystore.location': certificate.keyStore,
        'ssl.keystore.password': certificate.password,
        'sasl.enabled.mechanisms': 'SCRAM-SHA-512,OAUTHBEARER',
        [`${SCRAM}.jaas.config`]: `${SECURITY}.scram.ScramLoginModule required;`,
        [`${BEARER}.jaas.config`]: `${OAUTH}.OAuthBearerLoginModule required;`,
        [`${BEARER}.server.callback.handler.class`]: `${OAUTH}.OAuthBearerValidatorCallbackHandler`,
        'sasl.oauthbearer.jwks.endpoint.url': issuer.jwksUrl,
        'sasl.oauthbearer.expected.issuer': issuer.issuer,
        'sasl.oauthbearer.expected.audience': 'caudal',
      },
      scramUsers: [{ mechanism: 'SCRAM-SHA-512', ...LOGIN }],
      jvm: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${issuer.jwksUrl}`],
    },
  })
}

/** Writes a record and reads it. */
async function passThrough(config: Partial<KafkaConfig>): Promise<void> {
  const topic = `secure.${newId()}`
  const log = await openKafkaLog({
    settings: kafkaSettings({ brokers: [...kafka.brokers], checkTopicsOnly: false, ...config }),
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics: createMetrics('test'),
    topics: [topic],
  })
  try {
    await log.append([{ topic, key: 'key', value: 'value', headers: {} }])
    const partitions = Array.from({ length: 12 }, (_, partition) => ({ topic, partition }))
    const { signal } = new AbortController()
    const options = { maxRecords: 10, waitMs: 5_000, signal }
    const records = await log.read(await log.earliest(partitions), options)
    assert.deepEqual(
      records.map(({ value }) => value),
      ['value'],
    )
    await eventually(async () => (await log.end(partitions)).length === 12)
  } finally {
    await log.close()
  }
}

const scram = (password = LOGIN.password): Partial<KafkaConfig> => ({
  tls: { ca: certificate.ca },
  login: { mechanism: 'SCRAM-SHA-512', username: LOGIN.username, password },
})

const bearer = (clientSecret = CLIENT.clientSecret): Partial<KafkaConfig> => {
  const tokenUrl = `http://127.0.0.1:${(tokens.address() as AddressInfo).port}/token`
  const client = { tokenUrl, clientId: CLIENT.clientId, clientSecret, scope: '' }
  return { tls: { ca: certificate.ca }, login: { mechanism: 'OAUTHBEARER', tokens: client } }
}

test('F14: TLS and SCRAM-SHA-512 let in who has the password', async () => {
  await passThrough(scram())
})

test('F14: a wrong password is refused with a sentence that does not show it', async () => {
  await assert.rejects(passThrough(scram('wrong horse')), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'EVENT_LOG_REFUSED')
    assert.match(error.message, /authentication/i)
    assert.doesNotMatch(error.message, /wrong horse/)
    return true
  })
})

test('F14: a broker of another authority is not trusted', async () => {
  const { ca } = await testCertificate(folder, 'another')
  await assert.rejects(passThrough({ ...scram(), tls: { ca } }), (error: Error) => {
    assert.match(error.message, /certificate/)
    return true
  })
})

test('F14: OAUTHBEARER shows a token of the client, one for all connections', async () => {
  await passThrough(bearer())
  assert.equal(tokensIssued, 1)
})

test('F14: OAUTHBEARER takes the token of a file, and one that expired is refused', async () => {
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

test('F14: a client that the token endpoint does not know cannot open the log', async () => {
  await assert.rejects(passThrough(bearer('another secret')), /the issuer answered 401/)
})

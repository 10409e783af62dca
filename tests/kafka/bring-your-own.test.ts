import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { SLOW } from '@caudal/testing/slow.ts'
import { suiteScope } from '@caudal/testing/suite-scope.ts'
import { startKafka } from '../../tools/kafka/start-kafka.ts'
import { checkFirstPayment } from '../support/units/check-first-payment.ts'
import { type GuideKafka, playGuide } from '../support/units/play-guide.ts'
import { testCertificate } from './support/test-certificate.ts'

const LOGIN = 'org.apache.kafka.common.security.scram.ScramLoginModule'
const LISTENER = 'listener.name.client'
const USERS = ['admin', 'wallets', 'payments', 'processor', 'notifications']
const passwordOf = (user: string): string => `the-password-of-${user}`

describe('the guide to your own servers, on a Kafka of your own', () => {
  const scope = suiteScope()

  test(
    'the first start is on Kafka, with TLS, passwords and access control lists',
    SLOW,
    async () => {
      const played = await playGuide(scope, await startOwnKafka())
      assert.deepEqual(played.different, [])
      await checkFirstPayment(played)
    },
  )

  /** Every client logs in by SCRAM over TLS; only `admin` and the nodes may do anything. */
  async function startOwnKafka(): Promise<GuideKafka> {
    const folder = await mkdtemp(join(tmpdir(), 'caudal-test-own-kafka-'))
    scope.after(() => rm(folder, { recursive: true }))
    const { caFile, keyStore, password } = await testCertificate(folder, 'kafka')
    const mechanism = 'SCRAM-SHA-512'
    const kafka = await startKafka({
      security: {
        properties: {
          'listener.security.protocol.map':
            'CLIENT:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
          'ssl.keystore.type': 'PKCS12',
          'ssl.keystore.location': keyStore,
          'ssl.keystore.password': password,
          'sasl.enabled.mechanisms': mechanism,
          [`${LISTENER}.${mechanism.toLowerCase()}.sasl.jaas.config`]: `${LOGIN} required;`,
          'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
          'super.users': 'User:admin;User:ANONYMOUS',
        },
        scramUsers: USERS.map((username) => ({
          mechanism,
          username,
          password: passwordOf(username),
        })),
      },
    })
    scope.after(() => kafka.stop())
    return { brokers: kafka.brokers.join(','), caFile, passwordOf }
  }
})

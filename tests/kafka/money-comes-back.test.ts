import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { SLOW } from '@caudal/testing/slow.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { assertMoneyKept } from '../money-back/assert-money-kept.ts'
import { refundIsSent, underWayIn } from '../money-back/check-money.ts'
import {
  addressesOf,
  PLAY_ENV,
  type PlayedSystem,
  startSurely,
} from '../money-back/played-system.ts'
import { SERVICE_NAMES } from '../support/processes/plan-processes.ts'
import { startCluster } from '../support/processes/test-cluster.ts'

const PLAY = { users: 8, orders: 8, crashEvery: 70, latencyMs: 300 }
const LONGEST_MS = 200

/** Two processes of each service on three brokers; a crash is one of all of them, and the banks. */
async function playedCluster(scope: TestScope): Promise<PlayedSystem> {
  const { system, dataDir } = await startCluster(scope, PLAY_ENV)
  const all = SERVICE_NAMES.flatMap((service) => system.of(service))
  return {
    dataDir,
    at: () => addressesOf(system),
    async crash(random, isOver) {
      if (!(await refundIsSent(dataDir, isOver))) return {}
      await delay(random() * LONGEST_MS) // the moment of the crash, not a synchronisation
      await Promise.all(all.map((one) => one.kill()))
      const underWay = await underWayIn(dataDir)
      await startSurely(all)
      return { ...underWay, 'crash of all processes': 1 }
    },
  }
}

test(
  'P9, P12, P15: on Kafka, kill -9 of all processes loses and doubles no money that comes back',
  SLOW,
  async (t) => assertMoneyKept(t, await playedCluster(t), PLAY),
)

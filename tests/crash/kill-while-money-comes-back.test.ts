import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { SLOW } from '@caudal/testing/slow.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { assertMoneyKept } from '../money-back/assert-money-kept.ts'
import { refundIsSent, underWayIn } from '../money-back/check-money.ts'
import { PLAY_ENV, type PlayedSystem } from '../money-back/played-system.ts'
import { killDatabase } from '../support/database-server.ts'
import { dataDirectory, killWhileStarting, launchSystem } from '../support/launch-system.ts'

const PLAY = { users: 8, orders: 8, crashEvery: 20, latencyMs: 300 }
const LONGEST_MS = 200
const LONGEST_START_MS = 1_200

/** `caudal start`; every other crash is one of the whole machine and is followed by another. */
async function playedMachine(scope: TestScope): Promise<PlayedSystem> {
  const options = { dataDir: await dataDirectory(scope), env: PLAY_ENV }
  let system = await launchSystem(scope, options)
  let crashes = 0
  return {
    dataDir: options.dataDir,
    at: () => ({
      gatewayUrl: system.gateway_url,
      banks: { main: system.psp_url, asyncbank: system.asyncbank_url },
    }),
    async crash(random, isOver) {
      if (!(await refundIsSent(options.dataDir, isOver))) return {}
      await delay(random() * LONGEST_MS) // the moment of the crash, not a synchronisation
      await system.kill()
      crashes += 1
      const underWay = await underWayIn(options.dataDir)
      const ofMachine = crashes % 2 === 0
      if (ofMachine) {
        await killDatabase(options.dataDir)
        await killWhileStarting(options, random() * LONGEST_START_MS)
      }
      system = await launchSystem(scope, options)
      return { ...underWay, 'crash of all processes': 1, 'crash of the machine': Number(ofMachine) }
    },
  }
}

test(
  'P9, P12, P15: kill -9 of everything while money comes back loses and doubles none',
  SLOW,
  async (t) => assertMoneyKept(t, await playedMachine(t), PLAY),
)

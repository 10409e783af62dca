import { test } from 'node:test'
import { SLOW } from '@caudal/testing/slow.ts'
import { assertMoneyKept } from './assert-money-kept.ts'
import { PHASES_OF_MANY } from './play-money.ts'
import { playedProcesses } from './played-system.ts'

const USERS = Number(process.env['CAUDAL_TEST_USERS'] ?? 100)
/** Each user runs out of money, so that what a bank takes back is no longer there. */
const PLAY = {
  users: USERS,
  orders: 20,
  crashEvery: 60,
  balance: '70.00',
  phases: PHASES_OF_MANY,
}

/** A limit for one that hangs, on any machine and of any number of users. */
const LONG = { timeout: 4 * SLOW.timeout }

test(
  'P12, P15: what moved at both PSPs is what the wallets have, whatever happens and dies',
  LONG,
  async (t) => assertMoneyKept(t, await playedProcesses(t), PLAY),
)

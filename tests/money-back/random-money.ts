import { test } from 'node:test'
import { SLOW } from '@caudal/testing/slow.ts'
import { assertMoneyKept } from './assert-money-kept.ts'
import { playedProcesses } from './played-system.ts'

const USERS = Number(process.env['CAUDAL_TEST_USERS'] ?? 20)
const PLAY = { users: USERS, orders: 20, crashEvery: 30 }

test(
  'P12, P15: what moved at both PSPs is what the wallets have, whatever happens and dies',
  SLOW,
  async (t) => assertMoneyKept(t, await playedProcesses(t), PLAY),
)

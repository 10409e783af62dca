import { eventually } from '@caudal/testing/eventually.ts'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { dataDirectory } from '../support/launch-system.ts'
import type { Service } from '../support/processes/plan-processes.ts'
import {
  type Processes,
  type ProcessesOptions,
  runProcesses,
} from '../support/processes/run-processes.ts'
import type { ServiceProcess } from '../support/processes/service-process.ts'

/** How often something happened, by its name. */
export type Counts = Record<string, number>

/** Where a system listens; a restart may change it. */
export type Addresses = {
  gatewayUrl: string
  /** The URL of each bank, by the name of its PSP. */
  banks: Readonly<Record<'main' | 'asyncbank', string>>
}

/** A system that is played with, and what kills a part of it. */
export type PlayedSystem = {
  dataDir: string
  at(): Addresses
  /**
   * Kills and starts again; counts what was under way. `random` returns numbers in [0, 1). May wait
   * for its moment until the play is over.
   */
  crash(random: () => number, isOver: () => boolean): Promise<Counts>
}

const START_MS = 60_000
const KILLED: readonly Service[] = ['processor', 'payments']
/** Euros are paid at the asynchronous bank, all else at the other; both answer soon, or never. */
export const PLAY_ENV = {
  CAUDAL_PSP_TIMEOUT: '700ms',
  CAUDAL_PSP_CONNECT_TIMEOUT: '300ms',
  CAUDAL_PSP_RETRY_BASE: '50ms',
  CAUDAL_PSP_FIRST_QUERY: '200ms',
  CAUDAL_PSP_QUERY_MAX: '1s',
  CAUDAL_PSP_CIRCUIT_FAILURE_PERCENT: '99',
  CAUDAL_PSP_ROUTES: JSON.stringify([{ currency: 'EUR', psps: ['asyncbank'] }]),
}

/** Every service in its own process; a crash is one of processor or payments. */
export async function playedProcesses(
  scope: TestScope,
  { env = {}, ...options }: Omit<ProcessesOptions, 'dataDir'> = {},
): Promise<PlayedSystem> {
  const dataDir = await dataDirectory(scope)
  const system = await runProcesses({ ...options, dataDir, env: { ...PLAY_ENV, ...env } })
  scope.after(async () => void (await system.stop()))
  return {
    dataDir,
    at: () => addressesOf(system),
    async crash(random) {
      const running = system.of(KILLED[Math.floor(random() * KILLED.length)]!)
      const process = running[Math.floor(random() * running.length)]!
      await process.kill()
      await startSurely([process])
      return { kill: 1 }
    },
  }
}

/** Starts processes, again those that ended because the machine was too busy, as systemd does. */
export async function startSurely(processes: readonly ServiceProcess[]): Promise<void> {
  const startOne = async (one: ServiceProcess): Promise<void> => {
    const started = async (): Promise<true> => {
      await one.kill() // one that is not ready in time still runs
      await one.start()
      return true
    }
    await eventually(started, { timeoutMs: START_MS, label: `${one.service} starts` })
  }
  await Promise.all(processes.map(startOne))
}

/** Where these processes listen. */
export function addressesOf({ state }: Processes): Addresses {
  const { gateway_url: gatewayUrl, psp_url: main, asyncbank_url: asyncbank } = state
  return { gatewayUrl: gatewayUrl!, banks: { main: main!, asyncbank: asyncbank! } }
}

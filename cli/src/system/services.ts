import type { RunningService } from '@caudal/http/running-service.ts'

/** A process of the system: how it is named in the environment, and how it starts. */
export type ServiceEntry = {
  /** As in CAUDAL_<KEY>_PORT and CAUDAL_<KEY>_URL. */
  key: string
  /** Whether it has a database: all but the gateway. */
  stateful: boolean
  load(): Promise<LoadedService>
}

export type LoadedService = {
  /** @throws {ConfigError} naming every bad variable */
  check(env: NodeJS.ProcessEnv): void
  start(env: NodeJS.ProcessEnv): Promise<RunningService>
}

type Module<C> = {
  config: { readConfig(env: NodeJS.ProcessEnv): C }
  main: { start(config: C): Promise<RunningService> }
}

function entry<C>(key: string, load: () => Promise<Module<C>>): ServiceEntry {
  return {
    key,
    stateful: key !== 'API_GATEWAY',
    load: async () => {
      const { config, main } = await load()
      return {
        check: (env) => void config.readConfig(env),
        start: (env) => main.start(config.readConfig(env)),
      }
    },
  }
}

/** Every service and simulator by the name that `caudal start` takes; the gateway comes last. */
export const SERVICES = new Map<string, ServiceEntry>([
  [
    'psp',
    entry('PSP', async () => ({
      config: await import('@caudal/psp-simulator/config.ts'),
      main: await import('@caudal/psp-simulator/main.ts'),
    })),
  ],
  [
    'push',
    entry('PUSH', async () => ({
      config: await import('@caudal/push-simulator/config.ts'),
      main: await import('@caudal/push-simulator/main.ts'),
    })),
  ],
  [
    'identity',
    entry('IDENTITY', async () => ({
      config: await import('@caudal/identity/config.ts'),
      main: await import('@caudal/identity/main.ts'),
    })),
  ],
  [
    'orders',
    entry('ORDERS', async () => ({
      config: await import('@caudal/orders/config.ts'),
      main: await import('@caudal/orders/main.ts'),
    })),
  ],
  [
    'wallets',
    entry('WALLETS', async () => ({
      config: await import('@caudal/wallets/config.ts'),
      main: await import('@caudal/wallets/main.ts'),
    })),
  ],
  [
    'payments',
    entry('PAYMENTS', async () => ({
      config: await import('@caudal/payments/config.ts'),
      main: await import('@caudal/payments/main.ts'),
    })),
  ],
  [
    'processor',
    entry('PROCESSOR', async () => ({
      config: await import('@caudal/processor/config.ts'),
      main: await import('@caudal/processor/main.ts'),
    })),
  ],
  [
    'notifications',
    entry('NOTIFICATIONS', async () => ({
      config: await import('@caudal/notifications/config.ts'),
      main: await import('@caudal/notifications/main.ts'),
    })),
  ],
  [
    'api-gateway',
    entry('API_GATEWAY', async () => ({
      config: await import('@caudal/api-gateway/config.ts'),
      main: await import('@caudal/api-gateway/main.ts'),
    })),
  ],
])

import type { RunningService } from '@caudal/http/running-service.ts'
import type { MigrationSet } from '@caudal/postgres/migrate.ts'

/** A service: its name in environment variables, and how to load it. */
export type ServiceEntry = {
  /** The <KEY> of CAUDAL_<KEY>_PORT and CAUDAL_<KEY>_URL. */
  key: string
  /** Whether it has a database, like all services except the gateway. */
  stateful: boolean
  load(): Promise<LoadedService>
  /** The migrations of its database; none for the gateway. */
  migrations(): Promise<readonly MigrationSet[]>
}

/** A loaded service. */
export type LoadedService = {
  /** @throws {ConfigError} naming every invalid variable */
  check(env: NodeJS.ProcessEnv): void
  start(env: NodeJS.ProcessEnv): Promise<RunningService>
}

type Module<C> = {
  config: { readConfig(env: NodeJS.ProcessEnv): C }
  main: { start(config: C): Promise<RunningService> }
}

function entry<C>(
  key: string,
  load: () => Promise<Module<C>>,
  migrations: ServiceEntry['migrations'] = async () => [],
): ServiceEntry {
  return {
    key,
    migrations,
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

/** Every service and simulator by its name in `caudal start`; the gateway is last. */
export const SERVICE_ENTRIES = new Map<string, ServiceEntry>([
  [
    'psp',
    entry(
      'PSP',
      async () => ({
        config: await import('@caudal/psp-simulator/config.ts'),
        main: await import('@caudal/psp-simulator/main.ts'),
      }),
      async () => (await import('@caudal/psp-simulator/migrations.ts')).pspMigrations,
    ),
  ],
  [
    'asyncbank',
    entry(
      'ASYNCBANK',
      async () => ({
        config: await import('@caudal/asyncbank-simulator/config.ts'),
        main: await import('@caudal/asyncbank-simulator/main.ts'),
      }),
      async () => (await import('@caudal/asyncbank-simulator/migrations.ts')).asyncbankMigrations,
    ),
  ],
  [
    'push',
    entry(
      'PUSH',
      async () => ({
        config: await import('@caudal/push-simulator/config.ts'),
        main: await import('@caudal/push-simulator/main.ts'),
      }),
      async () => (await import('@caudal/push-simulator/migrations.ts')).pushMigrations,
    ),
  ],
  [
    'identity',
    entry(
      'IDENTITY',
      async () => ({
        config: await import('@caudal/identity/config.ts'),
        main: await import('@caudal/identity/main.ts'),
      }),
      async () => (await import('@caudal/identity/migrations.ts')).identityMigrations,
    ),
  ],
  [
    'orders',
    entry(
      'ORDERS',
      async () => ({
        config: await import('@caudal/orders/config.ts'),
        main: await import('@caudal/orders/main.ts'),
      }),
      async () => (await import('@caudal/orders/migrations.ts')).orderMigrations,
    ),
  ],
  [
    'wallets',
    entry(
      'WALLETS',
      async () => ({
        config: await import('@caudal/wallets/config.ts'),
        main: await import('@caudal/wallets/main.ts'),
      }),
      async () => (await import('@caudal/wallets/migrations.ts')).walletMigrations,
    ),
  ],
  [
    'payments',
    entry(
      'PAYMENTS',
      async () => ({
        config: await import('@caudal/payments/config.ts'),
        main: await import('@caudal/payments/main.ts'),
      }),
      async () => (await import('@caudal/payments/migrations.ts')).paymentMigrations,
    ),
  ],
  [
    'processor',
    entry(
      'PROCESSOR',
      async () => ({
        config: await import('@caudal/processor/config.ts'),
        main: await import('@caudal/processor/main.ts'),
      }),
      async () => (await import('@caudal/processor/migrations.ts')).processorMigrations,
    ),
  ],
  [
    'notifications',
    entry(
      'NOTIFICATIONS',
      async () => ({
        config: await import('@caudal/notifications/config.ts'),
        main: await import('@caudal/notifications/main.ts'),
      }),
      async () => (await import('@caudal/notifications/migrations.ts')).notificationMigrations,
    ),
  ],
  [
    'api-gateway',
    entry('API_GATEWAY', async () => ({
      config: await import('@caudal/api-gateway/config.ts'),
      main: await import('@caudal/api-gateway/main.ts'),
    })),
  ],
])

import { readEnvironment } from '@caudal/config/environment.ts'
import {
  type ClientSettings,
  type DatabaseSettings,
  type IssuerSettings,
  readClientSettings,
  readDatabaseSettings,
  readIssuerSettings,
  readPeerUrl,
  readServiceSettings,
  type ServiceSettings,
} from '@caudal/config/service-settings.ts'
import { KEEP_DAYS_AT_LEAST } from '@caudal/idempotency/drop-old-keys.ts'
import type { RefundPolicy } from './domain/decide-refund-requests.ts'
import { RETURN_CHARGES, type ReturnCharges } from './domain/event-context.ts'

export interface Config extends ServiceSettings, DatabaseSettings, ClientSettings, IssuerSettings {
  ordersUrl: string
  /** Deadline of one lookup of orders, including its token. */
  ordersTimeoutMs: number
  /** Retention of idempotency keys, at least 30 days (F2). */
  keyDays: number
  /** How many refusals of a user are stored under idempotency keys on one day (ADR 0026). */
  refusalsPerDay: number
  processorUrl: string
  /** Deadline of one cancel at the processor, including its token. */
  cancelTimeoutMs: number
  refunds: RefundPolicy
  /** Who bears what a bank kept of a return. */
  returnCharges: ReturnCharges
}

const ORDERS_TIMEOUT_MS = 2_000
const KEY_DAYS = { min: KEEP_DAYS_AT_LEAST, max: 3_650 }
const CANCEL_TIMEOUT_MS = 5_000
const REFUND_WINDOW_MS = 180 * 24 * 60 * 60 * 1_000
const MOST_REFUNDS = { min: 1, max: 10_000 }
const REFUSALS = { min: 1, max: 1_000_000 }

/** @throws {ConfigError} with every invalid variable */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return readEnvironment(env, (reader) => ({
    ...readServiceSettings(reader, 'PAYMENTS'),
    ...readDatabaseSettings(reader, 'PAYMENTS'),
    ...readClientSettings(reader, 'PAYMENTS'),
    ...readIssuerSettings(reader),
    ordersUrl: readPeerUrl(reader, 'ORDERS'),
    ordersTimeoutMs: reader.durationMs('CAUDAL_PAYMENTS_ORDERS_TIMEOUT', ORDERS_TIMEOUT_MS),
    keyDays: reader.integer('CAUDAL_PAYMENTS_KEY_DAYS', KEY_DAYS, KEY_DAYS.min),
    refusalsPerDay: reader.integer('CAUDAL_PAYMENTS_REFUSALS_PER_DAY', REFUSALS, 1_000),
    processorUrl: readPeerUrl(reader, 'PROCESSOR'),
    cancelTimeoutMs: reader.durationMs('CAUDAL_PAYMENTS_CANCEL_TIMEOUT', CANCEL_TIMEOUT_MS),
    refunds: {
      windowMs: reader.durationMs('CAUDAL_REFUND_WINDOW', REFUND_WINDOW_MS),
      mostRefunds: reader.integer('CAUDAL_REFUND_MOST', MOST_REFUNDS, 100),
    },
    returnCharges: reader.oneOf('CAUDAL_RETURN_CHARGES', RETURN_CHARGES, 'operator'),
  }))
}

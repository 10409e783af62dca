import { PAYMENT_STATUSES } from '@caudal/contracts/payment-views.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { isFinal, type Status } from './domain/payment.ts'
import { type EventObserver, observeEvents } from './events/observe-events.ts'
import { observeRequests, type RequestObserver } from './requests/observe-requests.ts'
import { countUnderWay, type UnderWay } from './store/count-under-way.ts'

const UNDER_WAY = PAYMENT_STATUSES.filter((status) => !isFinal(status))

/** Metrics and log lines about payments (P10, P13, F9). */
export interface Observer {
  requestsDecided: RequestObserver
  eventsDecided: EventObserver
}

/**
 * Creates the metrics of the service. Each scrape counts the payments that are not final and
 * measures the age of the oldest, so that a stuck payment is visible.
 */
export function createObserver(deps: { db: Db; logger: Logger; metrics: Metrics }): Observer {
  const { logger, metrics } = deps
  const entered = metrics.counter(
    'payments_entered_total',
    'Payments that entered a state, by the reason for those that failed.',
    ['status', 'reason'],
  )
  watchUnderWay(deps)
  return {
    requestsDecided: observeRequests({ logger, metrics, entered }),
    eventsDecided: observeEvents({ logger, metrics, entered }),
  }
}

function watchUnderWay({ db, metrics }: { db: Db; metrics: Metrics }): void {
  // Both gauges are collected at once and share one query.
  let asked: Promise<UnderWay[]> | undefined
  const ask = (): Promise<UnderWay[]> => {
    asked ??= countUnderWay(db).finally(() => (asked = undefined))
    return asked
  }
  // A scrape must not fail with the database: the last values stay then.
  const show = (set: (status: Status, row: UnderWay | undefined) => void) => async () => {
    const rows = await ask().catch(() => undefined)
    for (const status of rows ? UNDER_WAY : []) {
      const ofStatus = rows?.find((row) => row.status === status)
      set(status, ofStatus)
    }
  }
  const count = metrics.gauge(
    'payments_under_way',
    'Payments in a state that is not final.',
    ['status'],
    show((status, row) => count.set({ status }, row?.count ?? 0)),
  )
  const oldest = metrics.gauge(
    'payments_under_way_oldest_seconds',
    'Age of the oldest payment of a state that is not final.',
    ['status'],
    show((status, row) => oldest.set({ status }, row?.oldestSeconds ?? 0)),
  )
}

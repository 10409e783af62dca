import { PAYMENT_STATUSES } from '@caudal/contracts/payment-statuses.ts'
import { CASE_REASONS } from '@caudal/contracts/reasons.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { isFinalStatus } from './domain/payment.ts'
import { type EventObserver, observeEvents } from './events/observe-events.ts'
import { observeRequests, type RequestObserver } from './requests/observe-requests.ts'
import {
  observeRefundRequests,
  type RefundRequestObserver,
} from './requests/refunds/observe-refund-requests.ts'
import { countOpenCases } from './store/count-open-cases.ts'
import { countUnderWay } from './store/count-under-way.ts'

const UNDER_WAY = PAYMENT_STATUSES.filter((status) => !isFinalStatus(status))

/** Metrics and log lines about payments (P10, P13, F9). */
export interface Observer {
  requestsDecided: RequestObserver
  eventsDecided: EventObserver
  refundsDecided: RefundRequestObserver
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
  const refundsEntered = metrics.counter(
    'refunds_entered_total',
    'Refunds that entered a state, by the reason for those that failed.',
    ['status', 'reason'],
  )
  watchUnderWay(deps)
  watchCases(deps)
  return {
    requestsDecided: observeRequests({ logger, metrics, entered }),
    refundsDecided: observeRefundRequests({ logger, metrics, entered: refundsEntered }),
    eventsDecided: observeEvents({ logger, metrics, entered, refundsEntered }),
  }
}

function watchUnderWay({ db, metrics }: { db: Db; metrics: Metrics }): void {
  const labels = ['status'] as const
  metrics.gauges(
    [
      { name: 'payments_under_way', help: 'Payments in a state that is not final.', labels },
      {
        name: 'payments_under_way_oldest_seconds',
        help: 'Age of the oldest payment of a state that is not final.',
        labels,
      },
    ],
    async ([count, oldest]) => {
      const rows = await countUnderWay(db)
      for (const status of UNDER_WAY) {
        const row = rows.find((each) => each.status === status)
        count!.set({ status }, row?.count ?? 0)
        oldest!.set({ status }, row?.oldestSeconds ?? 0)
      }
    },
  )
}

function watchCases({ db, metrics }: { db: Db; metrics: Metrics }): void {
  const labels = ['reason'] as const
  metrics.gauges(
    [{ name: 'cases_open', help: 'Cases that wait for a person, by reason.', labels }],
    async ([open]) => {
      const counts = await countOpenCases(db)
      for (const reason of CASE_REASONS) open!.set({ reason }, counts.get(reason) ?? 0)
    },
  )
}

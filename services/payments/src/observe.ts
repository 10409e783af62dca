import { PAYMENT_STATUSES } from '@caudal/contracts/payment-statuses.ts'
import { CASE_REASONS } from '@caudal/contracts/reasons.ts'
import { REFUND_STATUSES } from '@caudal/contracts/refund-views.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { isFinalStatus } from './domain/payment.ts'
import { isFinalRefund } from './domain/refund.ts'
import { type EventObserver, observeEvents } from './events/observe-events.ts'
import { observeRequests, type RequestObserver } from './requests/observe-requests.ts'
import {
  observeRefundRequests,
  type RefundRequestObserver,
} from './requests/refunds/observe-refund-requests.ts'
import { countOpenCases } from './store/count-open-cases.ts'
import { countRefundsUnderWay } from './store/count-refunds-under-way.ts'
import { countUnderWay } from './store/count-under-way.ts'

/** Metrics and log lines about payments (P10, P13, F9). */
export interface Observer {
  requestsDecided: RequestObserver
  eventsDecided: EventObserver
  refundsDecided: RefundRequestObserver
}

/**
 * Creates the metrics of the service. Each scrape counts the payments and refunds that are not
 * final and measures the age of the oldest, so that a stuck one is visible.
 */
export function createObserver(deps: { db: Db; logger: Logger; metrics: Metrics }): Observer {
  const { db, logger, metrics } = deps
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
  watchUnderWay(metrics, {
    name: 'payments',
    statuses: PAYMENT_STATUSES.filter((status) => !isFinalStatus(status)),
    count: () => countUnderWay(db),
  })
  watchUnderWay(metrics, {
    name: 'refunds',
    statuses: REFUND_STATUSES.filter((status) => !isFinalRefund({ status })),
    count: () => countRefundsUnderWay(db),
  })
  watchCases(deps)
  return {
    requestsDecided: observeRequests({ logger, metrics, entered }),
    refundsDecided: observeRefundRequests({ logger, metrics, entered: refundsEntered }),
    eventsDecided: observeEvents({ logger, metrics, entered, refundsEntered }),
  }
}

/** What is under way of one kind: how to count it, and the states that are not final. */
interface UnderWayOf<S extends string> {
  name: 'payments' | 'refunds'
  statuses: readonly S[]
  count: () => Promise<readonly { status: S; count: number; oldestSeconds: number }[]>
}

function watchUnderWay<S extends string>(
  metrics: Metrics,
  { name, statuses, count: countAll }: UnderWayOf<S>,
): void {
  const labels = ['status'] as const
  const what = name === 'payments' ? 'payment' : 'refund'
  metrics.gauges(
    [
      {
        name: `${name}_under_way`,
        help: `How many ${name} are in a state that is not final.`,
        labels,
      },
      {
        name: `${name}_under_way_oldest_seconds`,
        help: `Age of the oldest ${what} of a state that is not final.`,
        labels,
      },
    ],
    async ([count, oldest]) => {
      const rows = await countAll()
      for (const status of statuses) {
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

import type { CircuitMode } from '@caudal/outbound/breaker.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { countInDoubt } from '../store/count-in-doubt.ts'
import { OPERATIONS, PAYMENTS } from '../store/operation-tables.ts'

const MODES = ['closed', 'open', 'half_open', 'trying'] as const

/** Refunds, voids and payouts share their places. */
const OPERATIONS_IN_FLIGHT = ['pay', 'status', 'refund', 'refund_status'] as const

export type InFlight = (typeof OPERATIONS_IN_FLIGHT)[number]

/** What is watched of one PSP. */
export type WatchedPsp = {
  name: string
  /** Of the whole PSP. */
  circuitMode: () => CircuitMode
  /** How many tenants and banks were called lately, by the mode of their circuit. */
  circuitCounts: () => ReadonlyMap<CircuitMode, number>
  waiting: () => number
  inFlight: (operation: InFlight) => number
}

type Watched = { db: Db; metrics: Metrics; psps: readonly WatchedPsp[] }

function watchCircuits({ metrics, psps }: Watched): void {
  const state = '1 for the state the circuit of the whole PSP is in.'
  metrics.gauge('psp_circuit_state', state, ['psp', 'state'], (gauge) => {
    for (const { name: psp, circuitMode } of psps) {
      for (const mode of MODES) gauge.set({ psp, state: mode }, circuitMode() === mode ? 1 : 0)
    }
  })
  const circuits = 'Circuits of tenants and banks that were called lately, by their state.'
  metrics.gauge('psp_circuits', circuits, ['psp', 'state'], (gauge) => {
    for (const { name: psp, circuitCounts } of psps) {
      const counts = circuitCounts()
      for (const mode of MODES) gauge.set({ psp, state: mode }, counts.get(mode) ?? 0)
    }
  })
  metrics.gauge(
    'psp_payments_waiting',
    'Due payments that wait for a free call or for their circuit.',
    ['psp'],
    (gauge) => {
      for (const { name: psp, waiting } of psps) gauge.set({ psp }, waiting())
    },
  )
}

/** Gauges computed at each scrape: circuits, calls, payments that wait or are in doubt. */
export function watchState(deps: Watched): void {
  const { db, metrics, psps } = deps
  watchCircuits(deps)
  metrics.gauge('psp_calls_in_flight', 'Calls under way.', ['psp', 'operation'], (gauge) => {
    for (const { name: psp, inFlight } of psps) {
      for (const operation of OPERATIONS_IN_FLIGHT) {
        gauge.set({ psp, operation }, inFlight(operation))
      }
    }
  })
  metrics.gauges(
    [
      { name: 'psp_payments_in_doubt', help: 'Payments whose outcome is unknown.' },
      { name: 'psp_payments_in_doubt_oldest_seconds', help: 'Age of the oldest doubt.' },
      {
        name: 'psp_refunds_in_doubt',
        help: 'Refunds, voids and payouts whose outcome is unknown.',
      },
      { name: 'psp_refunds_in_doubt_oldest_seconds', help: 'Age of the oldest such doubt.' },
    ],
    async ([count, oldest, refunds, oldestRefund]) => {
      const doubts = await countInDoubt(db, PAYMENTS)
      count!.set(doubts.count)
      oldest!.set(doubts.oldestSeconds)
      const ofRefunds = await countInDoubt(db, OPERATIONS)
      refunds!.set(ofRefunds.count)
      oldestRefund!.set(ofRefunds.oldestSeconds)
    },
  )
}

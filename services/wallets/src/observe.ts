import { WALLET_REASONS } from '@caudal/contracts/reasons.ts'
import type { Parked } from '@caudal/event-log/park-error.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import { traceIdOf } from '@caudal/telemetry/trace-context.ts'
import { commandsOf, paymentOf } from './ledger/domain/command.ts'
import type { Refused, RequestOutcome } from './ledger/domain/outcome.ts'
import type { Transfer } from './ledger/domain/transfer.ts'
import type { Work } from './ledger/origin.ts'

/** Metrics and log lines of the ledger's work (P4, P13, F9, F10). */
export interface Observer {
  eventsApplied(work: readonly Work[], outcomes: readonly RequestOutcome[]): void
  eventsParked(parked: readonly Parked[]): void
  commandsAnswered(work: readonly Work[], outcomes: readonly RequestOutcome[]): void
  holdsExpired(work: readonly Work[], outcomes: readonly RequestOutcome[]): void
}

const BATCH_BUCKETS = [1, 10, 50, 100, 250, 500, 1_000]

/** Counts what has been committed; a line in the log for each payment that moved. */
export function createObserver({
  logger,
  metrics,
}: {
  logger: Logger
  metrics: Metrics
}): Observer {
  const countAll = countOutcomes(metrics)
  const contradictions = metrics.counter(
    'ledger_contradictions_total',
    'Events that contradict what has happened; they are parked.',
  )
  const expired = metrics.counter('ledger_holds_expired_total', 'Holds whose time was over.')
  const sizes = metrics.histogram(
    'ledger_batch_commands',
    'Commands per transaction, by where they come from.',
    ['source'],
    BATCH_BUCKETS,
  )

  const count = (work: readonly Work[], outcomes: readonly RequestOutcome[]): void => {
    countAll(outcomes)
    for (const [index, outcome] of outcomes.entries()) logOutcome(logger, work[index]!, outcome)
  }
  return {
    eventsApplied(work, outcomes) {
      const size = sizeOf(work)
      if (size > 0) sizes.observe({ source: 'events' }, size)
      count(work, outcomes)
    },
    eventsParked(parked) {
      const lasting = parked.filter(({ kind }) => kind === 'unprocessable')
      if (lasting.length > 0) contradictions.inc(lasting.length)
    },
    commandsAnswered(work, outcomes) {
      sizes.observe({ source: 'http' }, sizeOf(work))
      count(work, outcomes)
    },
    holdsExpired(work, outcomes) {
      sizes.observe({ source: 'expiry' }, work.length)
      // A hold that had ended otherwise is no repeat of anything.
      const ended = outcomes.filter(({ type }) => type === 'posted')
      countAll(ended)
      expired.inc(ended.length)
    },
  }
}

function countOutcomes(metrics: Metrics): (outcomes: readonly RequestOutcome[]) => void {
  const reserved = metrics.counter('funds_reserved_total', 'Payments whose funds are held.')
  const insufficient = metrics.counter(
    'funds_insufficient_total',
    'Payments that were refused a hold.',
    ['reason'],
  )
  // A reason that never came is 0, not absent: rates and alerts need both ends.
  for (const reason of WALLET_REASONS) insufficient.inc({ reason }, 0)
  const confirmed = metrics.counter('debits_confirmed_total', 'Holds that were committed.')
  const transfers = metrics.counter('ledger_transfers_total', 'Transfers booked.', ['kind'])
  const postings = metrics.counter(
    'psp_postings_total',
    'Refunds, returns and recaptures by the end that was taken beside the PSP.',
    ['kind', 'end'],
  )
  const changes = metrics.counter(
    'ledger_account_changes_total',
    'Accounts frozen, unfrozen, closed, or given another overdraft limit.',
    ['change'],
  )
  const refusals = metrics.counter(
    'ledger_refusals_total',
    'Commands of clients that were refused.',
    ['code'],
  )
  const replays = metrics.counter('ledger_replays_total', 'Commands that had been done before.')

  const refused = ({ code, hold }: Refused): void => {
    if (hold?.refusedFor) insufficient.inc({ reason: hold.refusedFor })
    else refusals.inc({ code })
  }
  // Transfers come by the thousand and of a few kinds, so they are counted first.
  return (outcomes) => {
    const kinds = new Map<Transfer['kind'], number>()
    for (const outcome of outcomes) countOne(outcome, kinds)
    for (const [kind, count] of kinds) transfers.inc({ kind }, count)
    confirmed.inc(kinds.get('commit') ?? 0)
  }

  function countOne(outcome: RequestOutcome, kinds: Map<Transfer['kind'], number>): void {
    switch (outcome.type) {
      case 'posted': {
        const { kind, paymentId, pspPosting } = outcome.transfer
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
        if (kind === 'hold' && paymentId !== null) reserved.inc()
        if (pspPosting !== null) postings.inc({ kind, end: pspPosting.end })
        return
      }
      case 'changed':
        return changes.inc({ change: outcome.change.kind })
      case 'applied':
        return outcome.outcomes.forEach((one) => countOne(one, kinds))
      case 'refused':
        return refused(outcome)
      case 'not_applied':
        return refusals.inc({ code: outcome.code })
      case 'opened':
        return
      case 'repeated':
      case 'unchanged':
      case 'inapplicable':
        return replays.inc()
      default:
        outcome satisfies never
    }
  }
}

function sizeOf(work: readonly Work[]): number {
  return work.reduce((size, { command }) => size + commandsOf(command).length, 0)
}

function logOutcome(logger: Logger, work: Work, outcome: RequestOutcome): void {
  const { command, origin } = work
  const { traceparent } = origin
  const paymentId = command.kind === 'atomic' || command.kind === 'open' ? null : paymentOf(command)
  // Clients log their own commands; theirs come by the ten thousand.
  const level = paymentId === null ? 'debug' : 'info'
  if (!logger.isLevelEnabled(level)) return
  const about = {
    payment_id: paymentId ?? undefined,
    trace_id: traceparent && traceIdOf(traceparent),
    tenant_id: command.tenantId,
    actor: command.actor,
    account_id: 'accountId' in command ? command.accountId : undefined,
    idempotency_key: command.key.value,
    command: command.kind,
    transfer_id: outcome.type === 'posted' ? outcome.transfer.transferId : undefined,
    code: 'code' in outcome ? outcome.code : undefined,
  }
  logger[level](about, `command ${outcome.type}`)
}

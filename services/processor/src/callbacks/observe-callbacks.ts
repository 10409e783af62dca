import { systemActor } from '@caudal/contracts/actor.ts'
import type { Db } from '@caudal/postgres/types.ts'
import type { Logger } from '@caudal/telemetry/logger.ts'
import type { Metrics } from '@caudal/telemetry/metrics.ts'
import type { CallbackFact } from '../domain/callback-fact.ts'
import type { FactKey } from '../store/claim-facts.ts'
import { countFacts } from '../store/count-facts.ts'
import type { NewCallback } from '../store/store-callbacks.ts'
import type { FactOutcome } from './fact-plan.ts'

/** What became of a callback at the door. */
export type Arrival = 'stored' | 'duplicate' | 'bad_signature' | 'not_stored'

/** Metrics and logs of callbacks, with ids and never with a body or a secret. */
export type CallbackObserver = {
  /** `psp` is the name of a configured one. */
  arrived(psp: string, arrival: Arrival): void
  applied(outcome: FactOutcome): void
  /** A fact repeats the answer to its payment. */
  repeated(callback: Pick<NewCallback, 'psp' | 'callbackId'>, fact: CallbackFact): void
  /** A fact could not be applied by itself; it is parked. */
  failed(key: FactKey, error: unknown): void
}

const ACTOR = systemActor('processor')
/** A stranger can send any number of callbacks; the metric counts them all. */
const REFUSED_LINE_MS = 10_000

/** Callbacks by what became of them, and a line for each fact. */
export function createCallbackObserver({
  logger,
  metrics,
}: {
  logger: Logger
  metrics: Metrics
}): CallbackObserver {
  const callbacks = metrics.counter('psp_callbacks_total', 'Callbacks of PSPs.', ['psp', 'result'])
  const facts = metrics.counter('psp_callback_facts_total', 'Facts of callbacks.', [
    'psp',
    'state',
    'cause',
  ])
  let loggedAt = Number.NEGATIVE_INFINITY
  return {
    arrived(psp, result) {
      callbacks.inc({ psp, result })
      if (result === 'stored' || result === 'duplicate') return
      if (performance.now() - loggedAt < REFUSED_LINE_MS) return
      loggedAt = performance.now()
      logger.warn({ psp, result, actor: ACTOR }, 'refused a callback of a PSP')
    },
    applied({ fact, state, cause }) {
      const { psp, callbackId, key, match } = fact
      facts.inc({ psp, state, cause: cause ?? '' })
      const what = {
        psp,
        callback_id: callbackId,
        fact: key,
        payment_id: match.paymentId ?? undefined,
        state,
        cause: cause ?? undefined,
        actor: ACTOR,
      }
      if (state === 'PARKED' || state === 'CONTRADICTION') {
        logger.error(what, 'a fact of a PSP was not applied: an operator must act')
      } else if (state === 'NO_CHANGE') logger.debug(what, 'a fact of a PSP changed nothing')
      else logger.info(what, 'applied a fact of a PSP')
    },
    repeated({ psp, callbackId }, { key, ourId }) {
      const state = 'NO_CHANGE'
      facts.inc({ psp, state, cause: '' })
      logger.debug(
        { psp, callback_id: callbackId, fact: key, payment_id: ourId, state, actor: ACTOR },
        'a fact of a PSP changed nothing',
      )
    },
    failed({ psp, key }, error) {
      facts.inc({ psp, state: 'PARKED', cause: 'internal_error' })
      logger.error(
        { psp, fact: key, err: error, actor: ACTOR },
        'could not apply a fact of a PSP: an operator must act',
      )
    },
  }
}

/** Gauges of facts that wait to be applied, and of callbacks that wait for an operator. */
export function watchFacts({ db, metrics }: { db: Db; metrics: Metrics }): void {
  metrics.gauges(
    [
      { name: 'psp_callback_facts_waiting', help: 'Facts of callbacks that are not applied yet.' },
      { name: 'psp_callbacks_parked', help: 'Callbacks that an operator must see.' },
    ],
    async ([waiting, parked]) => {
      const counts = await countFacts(db)
      waiting!.set(counts.waiting)
      parked!.set(counts.parked)
    },
  )
}

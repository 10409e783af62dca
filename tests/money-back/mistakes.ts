import type { Edit } from '../support/edited-copy.ts'
import type { Service } from '../support/processes/plan-processes.ts'
import type { Phase } from './disturb.ts'
import { LOST_ANSWERS } from './play-money.ts'

/** A mistake that the random play must find, as edits of the sources of one service. */
type Mistake = {
  title: string
  service: Service
  edits: readonly Edit[]
  /** What the play finds. */
  finds: RegExp
  /** What the banks do that reveals it, in turns. */
  phases: readonly Phase[]
  /** No bank sends a callback, which would reveal late what was believed too early. */
  withoutCallbacks?: true
  /** More processes of the service than one, between which nothing but the database orders. */
  replicas?: number
}

/** Answers that are lost, first all of them, and of which a status query finds nothing. */
export const LOSSES: readonly Phase[] = [
  { behaviour: { default: 'apply_then_reset', by_operation: { query: 'forget_keys' } } },
  LOST_ANSWERS,
]
/** Callbacks that contradict the books of their bank, sooner than a status query can. */
export const LIES: readonly Phase[] = [
  'contradict',
  'callback_wrong_amount',
  'contradict',
  'random_callbacks:0.9',
].map((pay) => ({ behaviour: { by_operation: { pay }, settle_ms: 20 } }))
/** A payment of 10.00 that was charged, though its funds were released. */
const CHARGED = /: 1000 at the PSP, 0 in the ledger/
const CHARGED_AGAIN = /: (?!1000 )\d{4,} at the PSP, 1000 in the ledger/
const DOMAIN = 'services/processor/src/domain'
export const NO_CALLBACKS = {
  CAUDAL_PSP_SIMULATOR_CALLBACK_URL: '',
  CAUDAL_ASYNCBANK_SIMULATOR_CALLBACK_URL: '',
}

export const MISTAKES: readonly Mistake[] = [
  {
    title: 'funds that are released on a timeout are found by the books of the banks',
    service: 'processor',
    edits: [
      {
        file: `${DOMAIN}/decide-outcome.ts`,
        find: 'return doubt({ ...operation, mayHaveLeft: true, unproven: true }, context)',
        replace: `return fail({ ...operation, unproven: false }, 'gateway_unreachable', {
        status: 'failed',
      })`,
      },
    ],
    finds: CHARGED,
    phases: LOSSES,
    withoutCallbacks: true,
  },
  {
    title: 'a refund that is checked outside the lock of its payment is found by the sums',
    service: 'payments',
    edits: [
      {
        file: 'services/payments/src/requests/refunds/process-refund-requests.ts',
        find: 'const counts = await countRefunds(tx, paymentIds)',
        replace: `await tx.query('COMMIT; SELECT pg_sleep(0.2); BEGIN')
  const counts = await countRefunds(tx, paymentIds)`,
      },
    ],
    finds: /accepted beyond what was captured/,
    phases: [{ behaviour: {} }],
    replicas: 3,
  },
  {
    title: 'a callback that is believed whatever the state is found by the books of the banks',
    service: 'processor',
    edits: [
      {
        file: `${DOMAIN}/decide-callback.ts`,
        find: `if (context.capabilities.callbackTrust !== 'verdict') return false`,
        replace: `if (operation !== null) return state === 'failed' || itsId !== null`,
      },
      {
        file: `${DOMAIN}/decide-callback.ts`,
        find: 'if (isOver(operation)) return decideLate(operation, outcome)',
        replace: `if (isOver(operation)) operation = { ...operation, status: 'PENDING' }`,
      },
    ],
    finds: CHARGED,
    phases: LIES,
  },
  {
    title: 'an idempotency key that is new on each retry is found by the books of the banks',
    service: 'processor',
    edits: [
      {
        file: 'services/processor/src/psp/asyncbank-adapter.ts',
        find: `'x-request-key': hexOf(operationId)`,
        replace: `'x-request-key': hexOf(crypto.randomUUID())`,
      },
    ],
    finds: CHARGED_AGAIN,
    phases: LOSSES,
    withoutCallbacks: true,
  },
  {
    title: 'not_found that is believed of a request in flight is found by the books of the banks',
    service: 'processor',
    edits: [
      {
        file: `${DOMAIN}/decide-status.ts`,
        find: `if (!operation.unproven && capabilities.notFoundProves) {
    return fail(operation,`,
        replace: `if (operation !== null) {
    return fail({ ...operation, unproven: false },`,
      },
    ],
    finds: CHARGED,
    phases: LOSSES,
    withoutCallbacks: true,
  },
]

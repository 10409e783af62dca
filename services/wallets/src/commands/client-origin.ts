import type { Origin } from '../ledger/origin.ts'
import { answerTo } from './answer.ts'

/** The origin of a client's command over HTTP: it is owed an answer. */
export function clientOrigin(traceparent: string | undefined): Origin {
  return { traceparent, answer: (command, outcome) => answerTo(command, outcome, traceparent) }
}

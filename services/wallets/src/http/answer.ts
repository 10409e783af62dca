import assert from 'node:assert/strict'
import { ERROR_CODES } from '@caudal/contracts/error-codes.ts'
import { problemBody } from '@caudal/http/problem.ts'
import { newTraceparent, traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { Command } from '../domain/command.ts'
import type { Outcome, StoredAnswer } from '../domain/outcome.ts'
import { entryIdOf, type Transfer } from '../domain/transfer.ts'

/** What a client is told; `replayed` when it was told so before. */
export interface Answer extends StoredAnswer {
  replayed: boolean
}

/** The answer to a client's command, as the bytes that are stored with its key (F2). */
export function answerTo(
  command: Command,
  outcome: Outcome,
  traceparent: string | undefined,
): Answer {
  switch (outcome.type) {
    case 'committed':
      return { status: 200, body: committedBody(command, outcome.transfer), replayed: false }
    case 'refused': {
      const traceId = traceIdOf(traceparent ?? newTraceparent())
      const { status } = ERROR_CODES[outcome.code]
      return { status, body: problemBody(outcome.code, traceId), replayed: false }
    }
    case 'repeated':
    case 'unchanged':
    case 'inapplicable':
      throw new assert.AssertionError({ message: `no client is answered ${outcome.type}` })
    default:
      return outcome satisfies never
  }
}

/** F's answer: the entry on the account of the command; a hold's id with the hold. */
function committedBody(command: Command, { transferId, entries, holdId }: Transfer): string {
  const line = entries.findIndex(({ accountId }) => accountId === command.accountId)
  const body = { status: 'committed', entry_id: entryIdOf(transferId, line) }
  return JSON.stringify(command.kind === 'hold' ? { ...body, hold_id: holdId } : body)
}

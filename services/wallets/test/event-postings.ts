import { hash } from 'node:crypto'
import type { LogRecord } from '@caudal/event-log/event-log.ts'
import type { PostingsCommand } from '../src/ledger/domain/command.ts'
import type { RequestOutcome } from '../src/ledger/domain/outcome.ts'
import { LEDGER_RIGHTS } from '../src/ledger/domain/rights.ts'
import { move } from './client-commands.ts'
import type { TestWallet } from './test-wallet.ts'
import type { TestWork } from './work.ts'

/** A unit of work with the outcomes that its origin was asked to answer by events. */
export interface EventPosting extends TestWork<PostingsCommand> {
  seen: RequestOutcome[]
}

/** A credit that an event makes, such as a deposit: no client sent it. */
export function eventCredit(
  wallet: TestWallet,
  amountMinor: bigint,
  reference: string,
): EventPosting {
  const client = move('credit', wallet, amountMinor) as PostingsCommand
  const value = `credit:${reference}`
  const record: LogRecord = {
    topic: 'deposits.received',
    partition: 3,
    offset: 0n,
    key: wallet.accountId,
    value: '{}',
    headers: {},
  }
  const seen: RequestOutcome[] = []
  return {
    command: {
      ...client,
      actor: { type: 'system', id: 'wallets' },
      source: { type: 'event', id: reference },
      rights: LEDGER_RIGHTS,
      key: { clientId: null, value, fingerprint: hash('sha256', value, 'hex') },
      referenceId: reference,
      reason: 'deposit.received',
    },
    origin: {
      traceparent: undefined,
      slot: record.partition,
      events: (outcome) => {
        seen.push(outcome)
        return []
      },
      park: ({ kind, cause }) => ({
        record,
        kind: kind === 'waiting' ? 'waiting' : 'unprocessable',
        cause,
      }),
    },
    record,
    seen,
  }
}

import { ERROR_CODES } from '@caudal/contracts/error-codes.ts'
import { exactInteger } from '@caudal/contracts/exact-integer.ts'
import { problemBody } from '@caudal/http/problem.ts'
import { newTraceparent, traceIdOf } from '@caudal/telemetry/trace-context.ts'
import type { AccountChange } from '../ledger/domain/account-change.ts'
import { commandsOf, type Request } from '../ledger/domain/command.ts'
import { KINDS } from '../ledger/domain/kinds.ts'
import type {
  Applied,
  Changed,
  Final,
  NotApplied,
  Posted,
  LedgerRefusalCode,
  Refused,
  CommandAnswer,
} from '../ledger/domain/outcome.ts'
import { entryIdOf } from '../ledger/domain/transfer.ts'

/** The answer to a client's request, as the bytes that are stored with its key (F2). */
export function answerTo(
  request: Request,
  outcome: Final,
  traceparent: string | undefined,
): CommandAnswer {
  switch (outcome.type) {
    case 'posted':
    case 'changed':
      return { status: 200, body: doneBody(outcome) }
    case 'refused':
      return refusal(outcome.code, traceparent, reasonOf(request, outcome))
    case 'applied':
      return { status: 200, body: appliedBody(outcome) }
    case 'not_applied':
      return refusal('BATCH_NOT_APPLIED', traceparent, detailsOf(request, outcome))
    default:
      return outcome satisfies never
  }
}

/** What the title of the code does not say: of a hold it is not the available balance. */
function reasonOf({ kind }: Request, { code, detail }: Refused): { detail?: string } {
  if (detail !== null) return { detail }
  const ofHold = kind === 'commit' || kind === 'rollback'
  if (!ofHold || code !== 'INSUFFICIENT_FUNDS') return {}
  return { detail: 'The amount exceeds the remaining hold' }
}

function refusal(
  code: LedgerRefusalCode | 'BATCH_NOT_APPLIED',
  traceparent: string | undefined,
  { detail, members }: { detail?: string; members?: Record<string, unknown> } = {},
): CommandAnswer {
  const traceId = traceIdOf(traceparent ?? newTraceparent())
  const { status } = ERROR_CODES[code]
  return { status, body: problemBody(code, traceId, detail, members) }
}

function doneBody(outcome: Posted | Changed): string {
  const body = outcome.type === 'posted' ? postedBody(outcome) : changedBody(outcome.change)
  return JSON.stringify(body)
}

/** The entry on the account of the command; a hold's id and end with the hold. */
function postedBody({ transfer, hold }: Posted): Record<string, unknown> {
  const { transferId, entries, kind } = transfer
  const status = 'committed'
  const line = entries.findIndex(({ accountId }) => accountId === transfer.accountId)
  const entry_id = entryIdOf(transferId, line)
  if (KINDS[kind].form === 'postings') {
    const entry_ids = entries.map((_, index) => entryIdOf(transferId, index))
    return { status, transfer_id: transferId, entry_id, entry_ids }
  }
  if (kind !== 'hold' || hold === null) return { status, entry_id }
  const { holdId: hold_id, expiresAtMs } = hold
  if (expiresAtMs === null) return { status, entry_id, hold_id }
  return { status, entry_id, hold_id, expires_at: new Date(expiresAtMs).toISOString() }
}

function changedBody(change: AccountChange): Record<string, unknown> {
  const { currency } = change
  const minor_units = exactInteger(change.overdraftLimitMinor)
  const account = {
    account_id: change.accountId,
    status: change.status,
    overdraft_limit: { minor_units, currency },
  }
  return { status: 'committed', change_id: change.changeId, account }
}

/** The same form as the answer to a batch whose commands stand for themselves. */
function appliedBody({ outcomes }: Applied): string {
  const results = outcomes.map((one) => `{"status":200,"body":${doneBody(one)}}`)
  return `{"results":[${results.join(',')}]}`
}

/** Which command was refused and why; the others were not, and did not happen either. */
function detailsOf(request: Request, { index, code, detail }: NotApplied) {
  const results = commandsOf(request).map((_, at) => {
    const why = at === index ? code : 'BATCH_NOT_APPLIED'
    const { status, title } = ERROR_CODES[why]
    return { status, body: { code: why, title } }
  })
  const { status } = ERROR_CODES[code]
  return {
    detail: `command ${index} was refused: ${code}${detail === null ? '' : `: ${detail}`}`,
    members: { failed: { index, status, code }, results },
  }
}

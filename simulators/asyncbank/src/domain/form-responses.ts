import type { BankLanguage, PreparedDelivery } from '@caudal/simulator-kit/http/deliver.ts'
import type { WrittenResponse } from '@caudal/simulator-kit/http/write-response.ts'
import type { FalseAnswer } from '@caudal/simulator-kit/plan-outcome.ts'
import { hexOf, type Transfer, type TransferState } from './transfer.ts'

/** A transfer and how to respond about it. */
export interface PreparedTransfer extends PreparedDelivery {
  /** null if the bank did not accept it. */
  transfer: Transfer | null
  /** Whether this request made it. */
  isNew: boolean
}

type Fields = Record<string, string | undefined>

const HEADERS = { 'content-type': 'application/x-www-form-urlencoded' }
const RETRY_AFTER_SECONDS = '1'
/** The id of every transfer under `repeated_transaction_id`. */
const REPEATED_ID = `AB${'1'.padStart(24, '0')}`

/** Fields as a form; undefined ones are left out. */
export function formResponse(status: number, fields: Fields): WrittenResponse {
  const present = Object.entries(fields).filter((it): it is [string, string] => it[1] !== undefined)
  return { status, headers: HEADERS, body: new URLSearchParams(present).toString() }
}

const unavailable = formResponse(500, { code: 'temporarily_unavailable' })
const rateLimited = {
  ...formResponse(429, { code: 'too_many_requests' }),
  headers: { ...HEADERS, 'retry-after': RETRY_AFTER_SECONDS },
}
const common = {
  notFound: () => formResponse(404, { code: 'not_found' }),
  unavailable: () => unavailable,
  rateLimited: () => rateLimited,
  mismatch: () => formResponse(409, { code: 'key_reused' }),
  garbage: { status: 202, headers: HEADERS, body: 'id=AB%E0%A4%A&sta\u0000<html>Bad' },
}

/** The responses to POST /api/transfers: 202 for a new transfer, 200 for a known key. */
export const orderResponses: BankLanguage<PreparedTransfer> = {
  ...common,
  answer: (what) => formResponse(statusOf(what), acceptance(what)),
  falseAnswer: (what, lie) => falseResponse(statusOf(what), acceptance(what), { ...what, lie }),
}

/** The responses to GET /api/transfers/{id}. */
export const statusResponses: BankLanguage<PreparedTransfer> = {
  ...common,
  answer: ({ transfer }) => formResponse(200, statusFields(transfer!)),
  falseAnswer: (what, lie) => falseResponse(200, statusFields(what.transfer!), { ...what, lie }),
}

function statusOf({ isNew }: PreparedTransfer): number {
  return isNew ? 202 : 200
}

/** A new transfer is received, even if the bank has settled it before it answers. */
function acceptance({ transfer, isNew }: PreparedTransfer): Fields {
  const { transferId, ref, state } = transfer!
  return { id: transferId, ref: hexOf(ref), state: isNew ? 'received' : state }
}

function statusFields(transfer: Transfer): Fields {
  return {
    id: transfer.transferId,
    ref: hexOf(transfer.ref),
    kind: transfer.kind,
    state: transfer.state,
    amount: String(transfer.amountMinor),
    ccy: transfer.currency,
    code: transfer.code ?? undefined,
  }
}

function falseResponse(
  status: number,
  fields: Fields,
  { transfer, lie }: Pick<PreparedTransfer, 'transfer'> & { lie: FalseAnswer | 'contradict' },
): WrittenResponse {
  const { currency, state } = transfer!
  switch (lie) {
    case 'wrong_amount':
      return formResponse(status, { ...fields, amount: '1', ccy: currency })
    case 'wrong_currency':
      return formResponse(status, { ...fields, ccy: currency === 'JPY' ? 'USD' : 'JPY' })
    case 'no_transaction_id':
      return formResponse(status, { ...fields, id: undefined })
    case 'repeated_transaction_id':
      return formResponse(status, { ...fields, id: REPEATED_ID })
    case 'duplicate_members': {
      const { body } = formResponse(status, fields)
      return { status, headers: HEADERS, body: `state=${oppositeState(state)}&${body}` }
    }
    case 'contradict':
      return formResponse(status, { ...fields, state: oppositeState(state) })
    default:
      return lie satisfies never
  }
}

/** The state that a transfer did not reach. */
export function oppositeState(state: TransferState): TransferState {
  return state === 'settled' ? 'rejected' : 'settled'
}

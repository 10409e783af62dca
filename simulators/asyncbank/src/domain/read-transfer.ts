import { hash } from 'node:crypto'
import { CURRENCIES } from '@caudal/money/currencies.ts'
import { isOutgoing, type TransferKind, uuidOf } from './transfer.ts'

/** A well-formed order for a transfer. */
export interface TransferOrder {
  ref: string
  kind: Exclude<TransferKind, 'return' | 'dispute'>
  amountMinor: bigint
  currency: string
  /** The destination account; empty for a refund or void. */
  accountNumber: string
  originalId: string | null
  /** SHA-256 of the fields, in hex. */
  fingerprint: string
}

/** Why the bank does not accept a request. */
export interface FormRefusal {
  code: string
}

const HEX = /^[0-9a-f]{32}$/
const AMOUNT = /^[1-9]\d{0,17}$/
const TRANSFER_ID = /^AB[0-9A-F]{24}$/
const TEXT = /^[^\p{Cc}]{1,255}$/u
const ACCOUNT = /^[^\p{Cc}]{1,64}$/u
const currencies = new Set<string>(CURRENCIES)

const CHECKS: Readonly<Record<string, (text: string) => boolean>> = {
  ref: (text) => HEX.test(text),
  kind: (text) => Object.hasOwn(NEEDED_BY_KIND, text),
  amount: (text) => AMOUNT.test(text),
  ccy: (text) => currencies.has(text),
  from: (text) => ACCOUNT.test(text),
  to: (text) => ACCOUNT.test(text),
  to_name: (text) => TEXT.test(text),
  to_bank: (text) => ACCOUNT.test(text),
  orig: (text) => TRANSFER_ID.test(text),
}
const NEEDED = ['ref', 'kind', 'amount', 'ccy'] as const
const OUTGOING = ['from', 'to', 'to_name', 'to_bank']
const NEEDED_BY_KIND: Readonly<Record<TransferOrder['kind'], readonly string[]>> = {
  pay: OUTGOING,
  payout: OUTGOING,
  refund: ['orig'],
  void: ['orig'],
}

/** Reads the form of POST /api/transfers. Every field is known, there once and valid. */
export function readTransfer(form: string): TransferOrder | FormRefusal {
  const fields = new Map<string, string>()
  for (const [name, text] of new URLSearchParams(form)) {
    if (!Object.hasOwn(CHECKS, name)) return { code: 'unknown_field' }
    if (fields.has(name)) return { code: `repeated_${name}` }
    if (CHECKS[name]?.(text) !== true) return { code: `invalid_${name}` }
    fields.set(name, text)
  }
  const kind = fields.get('kind') as TransferOrder['kind'] | undefined
  const needed = [...NEEDED, ...(kind === undefined ? [] : NEEDED_BY_KIND[kind])]
  const missing = needed.find((name) => !fields.has(name))
  if (missing !== undefined || kind === undefined) return { code: `missing_${missing ?? 'kind'}` }
  if (isOutgoing(kind) && fields.has('orig')) return { code: 'invalid_orig' }
  const field = (name: string): string => fields.get(name) ?? ''
  return {
    ref: uuidOf(field('ref')),
    kind,
    amountMinor: BigInt(field('amount')),
    currency: field('ccy'),
    accountNumber: isOutgoing(kind) ? field('to') : '',
    originalId: fields.get('orig') ?? null,
    fingerprint: hash('sha256', JSON.stringify([...fields].toSorted(byName))),
  }
}

/** Reads the header x-request-key, as a UUID. */
export function readKey(header: string | string[] | undefined): string | FormRefusal {
  if (header === undefined || header === '') return { code: 'missing_key' }
  const text = String(header)
  return HEX.test(text) ? uuidOf(text) : { code: 'invalid_key' }
}

function byName([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : 1
}

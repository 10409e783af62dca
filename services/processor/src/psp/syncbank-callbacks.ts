import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { isUuid } from '@caudal/contracts/ids.ts'
import { AmountError } from '@caudal/money/amount-error.ts'
import { parseAmount } from '@caudal/money/parse-amount.ts'
import { maskCardNumbers } from '@caudal/telemetry/mask-numbers.ts'
import { type CallbackFact, type FactState, isUnasked } from '../domain/callback-fact.ts'
import type { OperationKind } from '../domain/operation-facts.ts'
import type { RawCallback, VerifiedCallback } from './adapter.ts'
import { readMembers, TRANSACTION_ID } from './read-verdict.ts'

type Members = Readonly<Record<string, unknown>>
type Amount = Pick<CallbackFact, 'amountMinor' | 'currency' | 'chargesMinor'>

const SIGNATURE_HEADER = 'x-gateway-signature'
const TIME = /^\d{1,12}$/
const SIGNATURE = /^[0-9a-f]{64}$/i
/** While secrets rotate there are two or three; each one is compared with each secret. */
const MOST_SIGNATURES = 10
const MS_PER_SECOND = 1_000

/**
 * Verifies `x-gateway-signature: t=<unix seconds>,v1=<hex HMAC-SHA-256 of "<t>.<raw body>">`. There
 * may be several v1, and any of them may be of any of the secrets. The time is signed anew with
 * every delivery, so it says how old the delivery is, not the fact.
 */
export function verifySyncbankCallback(
  { headers, rawBody }: RawCallback,
  secrets: readonly string[],
): VerifiedCallback {
  const header = headers[SIGNATURE_HEADER]
  const signed = typeof header === 'string' ? readSignature(header) : null
  if (signed === null) return { verified: false }
  let verified = false
  // Every pair is compared, so that the time of an answer does not depend on which one matches.
  for (const secret of secrets) {
    const expected = createHmac('sha256', secret).update(`${signed.time}.`).update(rawBody).digest()
    for (const signature of signed.signatures) {
      verified = timingSafeEqual(expected, signature) || verified
    }
  }
  return verified
    ? { verified, signedAt: Number(signed.time) * MS_PER_SECOND }
    : { verified: false }
}

/** One time and at least one signature; null if the header has another form. */
function readSignature(header: string): { time: string; signatures: Buffer[] } | null {
  const pairs = header.split(',').map((part) => part.trim().split('=', 2))
  const valuesOf = (name: string): string[] =>
    pairs.flatMap(([key, value = '']) => (key === name ? [value] : []))
  const [time, ...moreTimes] = valuesOf('t')
  const signatures = valuesOf('v1').filter((text) => SIGNATURE.test(text))
  if (time === undefined || moreTimes.length > 0 || !TIME.test(time)) return null
  if (signatures.length === 0 || signatures.length > MOST_SIGNATURES) return null
  return { time, signatures: signatures.map((text) => Buffer.from(text, 'hex')) }
}

/** What no operation asked for. */
const UNASKED: Readonly<Record<string, Pick<CallbackFact, 'kind' | 'state'>>> = {
  'payment.returned': { kind: 'return', state: 'returned' },
  'payment.disputed': { kind: 'dispute', state: 'opened' },
  'dispute.won': { kind: 'dispute', state: 'won' },
  'dispute.lost': { kind: 'dispute', state: 'lost' },
}
const KINDS: Readonly<Record<string, OperationKind>> = {
  payment: 'pay',
  refund: 'refund',
  void: 'void',
  payout: 'payout',
}
const STATES: Readonly<Record<string, FactState>> = {
  approved: 'approved',
  failed: 'failed',
  pending: 'pending',
  reversed: 'reversed',
}
const TYPE = /^([a-z]+)\.([a-z]+)$/
/** PostgreSQL indexes it, and U+0000 cannot be stored. */
const EVENT_ID = /^[\x21-\x7e]{1,200}$/
const LONGEST_CODE = 255

/** A callback of this PSP is one event, with an id of its own. */
export function parseSyncbankCallback(rawBody: Buffer): CallbackFact[] {
  const members = readMembers(rawBody)
  if (members === null) return []
  const { event_id: eventId } = members
  const hasId = typeof eventId === 'string' && EVENT_ID.test(eventId)
  const key = hasId ? eventId : `sha256:${createHash('sha256').update(rawBody).digest('hex')}`
  const { kind, state } = typeOf(members)
  const amount = amountOf(members, kind)
  return [
    {
      key,
      kind,
      ...idsOf(members, kind),
      // An amount that cannot be read is not an amount that is not stated.
      state: amount === null ? 'unknown' : state,
      ...(amount ?? { amountMinor: null, currency: null }),
      reasonCode: codeOf(members['reason_code']),
    },
  ]
}

/** What the type names. A status that contradicts it makes the fact unreadable. */
function typeOf({ type, status }: Members): Pick<CallbackFact, 'kind' | 'state'> {
  const unknown = { kind: 'pay', state: 'unknown' } as const
  const [, noun = '', verb = ''] = TYPE.exec(typeof type === 'string' ? type : '') ?? []
  if (status !== undefined && status !== verb) return unknown
  const reported = `${noun}.${verb}`
  if (Object.hasOwn(UNASKED, reported)) return UNASKED[reported]!
  const kind = Object.hasOwn(KINDS, noun) ? KINDS[noun] : undefined
  const state = Object.hasOwn(STATES, verb) ? STATES[verb] : undefined
  return kind === undefined || state === undefined ? unknown : { kind, state }
}

function idsOf(
  members: Members,
  kind: CallbackFact['kind'],
): Pick<CallbackFact, 'ourId' | 'itsId' | 'paymentId' | 'paymentItsId'> {
  const paymentId = ourIdOf(members['payment_id'])
  const paymentItsId = itsIdOf(members['gateway_transaction_id'])
  if (kind === 'pay') return { ourId: paymentId, itsId: paymentItsId, paymentId, paymentItsId }
  return {
    ourId: isUnasked({ kind }) ? null : ourIdOf(members[`${kind}_id`]),
    // A dispute is only the bank's, and has no other id.
    itsId: itsIdOf(members[kind === 'dispute' ? 'dispute_id' : `gateway_${kind}_id`]),
    paymentId,
    paymentItsId,
  }
}

function ourIdOf(value: unknown): string | null {
  return typeof value === 'string' && isUuid(value) ? value.toLowerCase() : null
}

function itsIdOf(value: unknown): string | null {
  return typeof value === 'string' && TRANSACTION_ID.test(value) ? value : null
}

/** null if there is an amount that cannot be read. */
function amountOf(
  { amount, currency, charges }: Members,
  kind: CallbackFact['kind'],
): Amount | null {
  if (amount === undefined && currency === undefined) return { amountMinor: null, currency: null }
  if (typeof amount !== 'string' || typeof currency !== 'string') return null
  try {
    const amountMinor = parseAmount(amount, currency)
    if (kind !== 'return' || charges === undefined) return { amountMinor, currency }
    if (typeof charges !== 'string') return null
    return { amountMinor, currency, chargesMinor: parseAmount(charges, currency) }
  } catch (error) {
    if (error instanceof AmountError) return null
    throw error
  }
}

function codeOf(value: unknown): string | null {
  if (typeof value !== 'string') return null
  const text = maskCardNumbers(value.replaceAll('\u0000', '').toWellFormed())
  return text.slice(0, LONGEST_CODE).toWellFormed() || null
}

import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { maskCardNumbers } from '@caudal/telemetry/mask-numbers.ts'
import { type CallbackFact, type FactState, isUnasked } from '../domain/callback-fact.ts'
import type { RawCallback, VerifiedCallback } from './adapter.ts'
import { readMembers, TRANSACTION_ID } from './read-verdict.ts'

type Members = Readonly<Record<string, unknown>>

const TIME = /^\d{1,12}$/
const SIGNATURE = /^keyid=([A-Za-z0-9._-]{1,64});ed25519=([A-Za-z0-9+/]{86}==)$/
const SECRET = /^([A-Za-z0-9._-]{1,64}):([A-Za-z0-9+/]{43}=)$/
/** What SPKI puts before the 32 bytes of an Ed25519 public key. */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')
const MS_PER_SECOND = 1_000

/** Whether the text is a public key with its id, `<keyid>:<32 bytes in base64>`. */
export function isAsyncbankSecret(text: string): boolean {
  return SECRET.test(text)
}

/**
 * Verifies `x-signature: keyid=<id>;ed25519=<base64>` over `<x-timestamp>.<raw body>` with the
 * public key of that id. Several keys may share an id while one follows another. The time is signed
 * anew with every delivery.
 */
export function verifyAsyncbankCallback(
  { headers, rawBody }: RawCallback,
  secrets: readonly string[],
): VerifiedCallback {
  const { 'x-timestamp': time, 'x-signature': header } = headers
  if (typeof time !== 'string' || typeof header !== 'string') return { verified: false }
  const [, keyid, signature = ''] = SIGNATURE.exec(header) ?? []
  if (keyid === undefined || !TIME.test(time)) return { verified: false }
  const signed = Buffer.concat([Buffer.from(`${time}.`), rawBody])
  const bytes = Buffer.from(signature, 'base64')
  const isSigned = secrets.some((secret) => {
    const [, id, key = ''] = SECRET.exec(secret) ?? []
    return id === keyid && verify(null, signed, publicKey(key), bytes)
  })
  return isSigned ? { verified: true, signedAt: Number(time) * MS_PER_SECOND } : { verified: false }
}

function publicKey(key: string): KeyObject {
  const der = Buffer.concat([SPKI, Buffer.from(key, 'base64')])
  return createPublicKey({ key: der, format: 'der', type: 'spki' })
}

const KINDS: Readonly<Record<string, CallbackFact['kind']>> = {
  pay: 'pay',
  refund: 'refund',
  void: 'void',
  payout: 'payout',
  return: 'return',
  dispute: 'dispute',
}
const STATES: Readonly<Record<string, FactState>> = {
  received: 'pending',
  settled: 'approved',
  rejected: 'failed',
  reversed: 'reversed',
  opened: 'opened',
  won: 'won',
  lost: 'lost',
}
const OF_DISPUTES: readonly FactState[] = ['opened', 'won', 'lost']
const HEX = /^[0-9a-f]{32}$/i
const MINOR = /^(0|[1-9]\d{0,17})$/
const CURRENCY = /^[A-Z]{3}$/
const LONGEST_ID_IN_KEY = 150
const LONGEST_CODE = 255

/**
 * The facts of a batch, one for each item. The bank has no id of an item: a transfer is in a state
 * once, so both together are the key.
 */
export function parseAsyncbankCallback(rawBody: Buffer): CallbackFact[] {
  const { items } = readMembers(rawBody) ?? {}
  return Array.isArray(items) ? items.map(factOf) : []
}

function factOf(item: unknown): CallbackFact {
  const isObject = typeof item === 'object' && item !== null && !Array.isArray(item)
  const members: Members = isObject ? (item as Members) : {}
  const itsId = itsIdOf(members['id'])
  const kind = ownOf(KINDS, members['kind'])
  const state = ownOf(STATES, members['state'])
  const amount = amountOf(members)
  const isKnown = kind !== undefined && state !== undefined && amount !== null && itsId !== null
  const isKey = itsId !== null && itsId.length <= LONGEST_ID_IN_KEY && state !== undefined
  const ids = idsOf(members, kind ?? 'pay', itsId)
  return {
    key: isKey ? `${itsId}:${members['state'] as string}` : digestOf(item),
    kind: kind ?? 'pay',
    ...ids,
    state: isKnown ? stateOf(kind, state) : 'unknown',
    ...(amount ?? { amountMinor: null, currency: null }),
    reasonCode: codeOf(members['code']),
  }
}

/** A settled return is money that came back; a dispute has states of its own. */
function stateOf(kind: CallbackFact['kind'], state: FactState): FactState {
  if ((kind === 'dispute') !== OF_DISPUTES.includes(state)) return 'unknown'
  if (kind !== 'return') return state
  return state === 'approved' ? 'returned' : 'unknown'
}

/** The bank names the payment of anything else by its own id only. */
function idsOf(
  { ref, orig }: Members,
  kind: CallbackFact['kind'],
  itsId: string | null,
): Pick<CallbackFact, 'ourId' | 'itsId' | 'paymentId' | 'paymentItsId'> {
  const ourId = typeof ref === 'string' && HEX.test(ref) ? uuidOf(ref) : null
  if (kind === 'pay') return { ourId, itsId, paymentId: ourId, paymentItsId: itsId }
  const paymentItsId = itsIdOf(orig)
  return { ourId: isUnasked({ kind }) ? null : ourId, itsId, paymentId: null, paymentItsId }
}

function uuidOf(hex: string): string {
  return hex.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function itsIdOf(value: unknown): string | null {
  return typeof value === 'string' && TRANSACTION_ID.test(value) ? value : null
}

function ownOf<T>(table: Readonly<Record<string, T>>, name: unknown): T | undefined {
  return typeof name === 'string' && Object.hasOwn(table, name) ? table[name] : undefined
}

type Amount = Pick<CallbackFact, 'amountMinor' | 'currency' | 'chargesMinor'>

/** null if the amounts or the currency cannot be read. The bank always states amount and ccy. */
function amountOf({ kind, amount, ccy, charges }: Members): Amount | null {
  if (typeof amount !== 'string' || !MINOR.test(amount)) return null
  if (typeof ccy !== 'string' || !CURRENCY.test(ccy)) return null
  const stated = { amountMinor: BigInt(amount), currency: ccy }
  if (kind !== 'return' || charges === undefined) return stated
  if (typeof charges !== 'string' || !MINOR.test(charges)) return null
  return { ...stated, chargesMinor: BigInt(charges) }
}

function codeOf(code: unknown): string | null {
  if (typeof code !== 'string' || code === '') return null
  const text = code.replaceAll('\u0000', '').toWellFormed().slice(0, LONGEST_CODE)
  return maskCardNumbers(text).slice(0, LONGEST_CODE)
}

function digestOf(item: unknown): string {
  return `sha256:${createHash('sha256').update(JSON.stringify(item)).digest('hex')}`
}

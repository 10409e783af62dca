import { createHash } from 'node:crypto'
import { newId } from '@caudal/contracts/ids.ts'
import { maskCardNumbersIn } from '@caudal/telemetry/mask-numbers.ts'
import type { CallbackFact } from '../domain/callback-fact.ts'
import type { PspAdapter, RawCallback } from '../psp/adapter.ts'
import type { NewCallback } from '../store/store-callbacks.ts'
import type { FindPsp } from './callback-psp.ts'

/** A callback as it arrived at the door. */
export type ArrivedCallback = RawCallback & { psp: string; account: string }

/** Whether a callback is accepted, and why not. */
export type Reception =
  | { kind: 'verified'; callback: NewCallback }
  | { kind: 'unknown_psp' }
  | { kind: 'bad_signature' }

const KEY = /^[\x21-\x7e]{1,200}$/
/** A state that names nothing, so that what could not be read is stored and raises an alarm. */
const UNREADABLE: Omit<CallbackFact, 'key'> = {
  kind: 'pay',
  ourId: null,
  itsId: null,
  paymentId: null,
  paymentItsId: null,
  state: 'unknown',
  amountMinor: null,
  currency: null,
  reasonCode: null,
}

/** Verifies a callback over its raw bytes and reads its facts. `now` is in milliseconds. */
export function receiveCallback(
  findPsp: FindPsp,
  { psp, account, headers, rawBody }: ArrivedCallback,
  now: number,
): Reception {
  const found = findPsp(psp)
  const known = found?.callbacks.accounts.get(account)
  if (found === undefined || known === undefined) return { kind: 'unknown_psp' }
  const { adapter, callbacks } = found
  const verified = verifiedBy(adapter, { headers, rawBody }, known.secrets, now)
  if (!verified.verified) return { kind: 'bad_signature' }
  const { signedAt } = verified
  if (signedAt !== null && Math.abs(now - signedAt) > callbacks.maxAgeMs) {
    return { kind: 'bad_signature' }
  }
  const body = maskCardNumbersIn(rawBody)
  const callback = {
    callbackId: newId(),
    psp,
    account,
    body,
    isMasked: !body.equals(rawBody),
    signedAt,
    facts: factsOf(adapter, rawBody),
  }
  return { kind: 'verified', callback }
}

/** The facts of a body, at least one. An adapter that throws has not understood it. */
export function factsOf(adapter: PspAdapter, rawBody: Buffer): CallbackFact[] {
  const facts = guarded(() => adapter.parseCallback(rawBody)) ?? []
  if (facts.length === 0) return [{ key: digestOf(rawBody), ...UNREADABLE }]
  return facts.map(({ key, ...fact }) => ({ key: KEY.test(key) ? key : digestOf(key), ...fact }))
}

function verifiedBy(
  adapter: PspAdapter,
  callback: RawCallback,
  secrets: readonly string[],
  now: number,
) {
  const verified = guarded(() => adapter.verifyCallback(callback, secrets, now))
  return verified ?? { verified: false as const }
}

function guarded<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null
  }
}

function digestOf(text: Buffer | string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

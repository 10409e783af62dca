import { v5, v7 } from 'uuid'

const NAMESPACE = '6f2d1c6e-8f1b-5d0a-9f43-caa0da1ca0da'

/** The account of a user's wallet in one currency: UUIDv5 of tenant, user and currency. */
export function accountIdOf(tenantId: string, userId: string, currency: string): string {
  return v5(`account/${tenantId}/${userId}/${currency}`, NAMESPACE)
}

/** The one wallet of a user within a tenant: UUIDv5 of tenant and user. */
export function walletIdOf(tenantId: string, userId: string): string {
  return v5(`wallet/${tenantId}/${userId}`, NAMESPACE)
}

/** The id and idempotency key of the void that carries a refund out: UUIDv5 of the refund. */
export function voidIdOf(refundId: string): string {
  return v5(`void/${refundId}`, NAMESPACE)
}

/** The refund of a payment whose money moved after it had failed: UUIDv5 of the payment. */
export function lateCaptureRefundIdOf(paymentId: string): string {
  return v5(`refund/late/${paymentId}`, NAMESPACE)
}

/**
 * The id of what the ledger books for a source: UUIDv5 of the kind and the source, so that the same
 * money is asked for under one id, however often and by whatever evidence.
 */
export function postingIdOf(kind: string, source: { type: string; id: string }): string {
  return v5(`posting/${kind}/${source.type}/${source.id}`, NAMESPACE)
}

/** A refund that a PSP made by itself: UUIDv5 of the PSP and its id of the refund. */
export function foundRefundIdOf(psp: string, transactionId: string): string {
  return v5(`refund-at-psp/${psp}/${transactionId}`, NAMESPACE)
}

/** A return: UUIDv5 of the PSP and its reference, so that every evidence of it has the same. */
export function returnIdOf(psp: string, reference: string): string {
  return v5(`return/${psp}/${reference}`, NAMESPACE)
}

/** The return that the reversal of a payment is: UUIDv5 of the PSP and its id of the payment. */
export function reversalIdOf(psp: string, transactionId: string): string {
  return v5(`reversal/${psp}/${transactionId}`, NAMESPACE)
}

/** A dispute, and the return that it is once it is lost: UUIDv5 of the PSP and its reference. */
export function disputeIdOf(psp: string, reference: string): string {
  return v5(`dispute/${psp}/${reference}`, NAMESPACE)
}

/** A fact that a PSP reported to an account: UUIDv5 of both and the fact's key. */
export function factIdOf(psp: string, account: string, key: string): string {
  return v5(`fact/${psp}/${account}/${key}`, NAMESPACE)
}

const ID_BYTES = 16
/** Random bytes are fetched for this many ids at once: a system call for each costs 10 µs. */
const IDS_PER_FETCH = 512
const randomBytes = new Uint8Array(IDS_PER_FETCH * ID_BYTES)
let bytesUsed = randomBytes.length
const idBytes = new Uint8Array(ID_BYTES)
const idText = Buffer.alloc(36, '-')
/** Where the two digits of each byte stand in a UUID's text. */
const PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]
const DIGITS = Buffer.from('0123456789abcdef')
let lastMs = 0
let sequence = 0

/**
 * A fresh UUIDv7 (RFC 9562): for payments, events, transfers and all other ids of ours. Ids of one
 * process ascend, which keeps indexes dense; nothing relies on it (rule 13).
 */
export function newId(): string {
  if (bytesUsed === randomBytes.length) {
    crypto.getRandomValues(randomBytes)
    bytesUsed = 0
  }
  const random = randomBytes.subarray(bytesUsed, bytesUsed + ID_BYTES)
  bytesUsed += ID_BYTES
  const nowMs = Date.now()
  if (nowMs > lastMs) {
    lastMs = nowMs
    sequence = (random[0]! << 16) | (random[1]! << 8) | random[2]!
  } else {
    sequence += 1
  }
  v7({ random, msecs: lastMs, seq: sequence }, idBytes)
  return textOf(idBytes)
}

/** The library joins twenty texts, which takes longer than everything else about an id. */
function textOf(bytes: Uint8Array): string {
  for (const [index, place] of PLACES.entries()) {
    const byte = bytes[index]!
    idText[place] = DIGITS[byte >> 4]!
    idText[place + 1] = DIGITS[byte & 15]!
  }
  return idText.toString('latin1')
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i
/** The nil and the max UUID, which have no version. */
const SPECIAL_UUID = /^(0{8}-(0{4}-){3}0{12}|f{8}-(f{4}-){3}f{12})$/i

/** Whether the text is an RFC 9562 UUID of any version, nil and max included, in either case. */
export function isUuid(text: string): boolean {
  return UUID.test(text) || SPECIAL_UUID.test(text)
}

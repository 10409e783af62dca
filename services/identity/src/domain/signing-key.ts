/** A private ES256 key (RFC 7517) that is published until it is retired. */
export type SigningKey = {
  kid: string
  privateJwk: { kty: 'EC'; crv: 'P-256'; x: string; y: string; d: string }
  signsFrom: Date
}

/**
 * The key that signs at `now` (milliseconds): the youngest whose time has come. A key is published
 * before it signs, so that verifiers have fetched it by then; tokens of older keys stay valid.
 */
export function signingKeyAt(keys: readonly SigningKey[], now: number): SigningKey {
  const [newest, ...older] = keys
  if (newest === undefined) throw new Error('there is no signing key')
  let chosen = newest
  for (const key of older) {
    if (isBetter(key, chosen, now)) chosen = key
  }
  return chosen
}

// Without a key whose time has come, the one that comes first signs: never none.
function isBetter(key: SigningKey, than: SigningKey, now: number): boolean {
  const due = key.signsFrom.getTime() <= now
  const otherDue = than.signsFrom.getTime() <= now
  if (due !== otherDue) return due
  return due ? key.signsFrom > than.signsFrom : key.signsFrom < than.signsFrom
}

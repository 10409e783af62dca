/** Member names whose values are never logged (F10), compared without case, dashes, underscores. */
const SECRET_NAME =
  /^((proxy)?authorization|(set)?cookie|passwd|apikey|credentials?|privatekey|jwk|d)$/
const SECRET_ENDING = /(token|secret|password)s?$/
const JWT = /\beyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)?/g
// Neither pattern matches a quotation mark, so a line of JSON stays valid JSON.
const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@"\\]*):[^\s/"\\]+@/gi
const CREDENTIALS = /\b(bearer|basic)\s+(?=[\w~+/.-]*\d)[\w~+/.=-]{8,}/gi
const MAX_DEPTH = 5
const MASK = '[redacted]'

/** Masks JWTs, bearer and basic credentials and the passwords of connection URLs in a line. */
export function redactText(text: string): string {
  // Most lines contain none of these, and searching for a fixed text is cheap.
  let masked = text
  if (masked.includes('eyJ')) masked = masked.replace(JWT, MASK)
  if (masked.includes('@')) masked = masked.replace(URL_PASSWORD, `$1:${MASK}@`)
  if (/bearer|basic/i.test(masked)) masked = masked.replace(CREDENTIALS, `$1 ${MASK}`)
  return masked
}

/**
 * Masks the values of members with secret names, up to five levels deep. Copies only the objects on
 * the path to a secret; returns an object without secrets as is.
 */
export function redactMembers(value: Record<string, unknown>, depth = 0): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined
  for (const name of Object.keys(value)) {
    const member = value[name]
    const masked = redactMember(name, member, depth)
    if (masked !== member) {
      copy ??= { ...value }
      copy[name] = masked
    }
  }
  return copy ?? value
}

function redactMember(name: string, member: unknown, depth: number): unknown {
  if (member === undefined || member === null) return member
  if (isSecretName(name)) return MASK
  if (typeof member !== 'object' || depth >= MAX_DEPTH || member instanceof Error) return member
  if (Array.isArray(member)) return redactItems(member, depth)
  if (!isPlain(member)) return member
  return redactMembers(member, depth + 1)
}

function redactItems(items: unknown[], depth: number): unknown[] {
  const masked = items.map((item) => redactMember('', item, depth + 1))
  return masked.some((item, index) => item !== items[index]) ? masked : items
}

const secretNames = new Map<string, boolean>()
const SECRET_NAMES_REMEMBERED = 1_000

function isSecretName(name: string): boolean {
  const known = secretNames.get(name)
  if (known !== undefined) return known
  const plain = name.toLowerCase().replaceAll(/[-_]/g, '')
  const secret = SECRET_NAME.test(plain) || SECRET_ENDING.test(plain)
  if (secretNames.size < SECRET_NAMES_REMEMBERED) secretNames.set(name, secret)
  return secret
}

function isPlain(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Names whose values never reach a log (F10). Compared without case, dashes and underscores. */
const SECRET_NAME =
  /^((proxy)?authorization|(set)?cookie|passwd|apikey|credentials?|privatekey|jwk|d)$/
const SECRET_ENDING = /(token|secret|password)s?$/
const JWT = /\beyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)?/g
// Neither crosses a quotation mark: the text is a line of JSON and stays one.
const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@"\\]*):[^\s/"\\]+@/gi
const CREDENTIALS = /\b(bearer|basic)\s+(?=[\w~+/.-]*\d)[\w~+/.=-]{8,}/gi
const MAX_DEPTH = 5
const MASK = '[redacted]'

/** Masks JWTs, bearer and basic credentials and the passwords of connection URLs inside a line. */
export function redactText(text: string): string {
  // Most lines hold none of these, and to search for a fixed text is cheap.
  let masked = text
  if (masked.includes('eyJ')) masked = masked.replace(JWT, MASK)
  if (masked.includes('@')) masked = masked.replace(URL_PASSWORD, `$1:${MASK}@`)
  if (/bearer|basic/i.test(masked)) masked = masked.replace(CREDENTIALS, `$1 ${MASK}`)
  return masked
}

/**
 * The object with the values of secret-looking members masked, however deep (to five levels).
 * Members are copied only on the way to a secret; an object without one is returned as it is.
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

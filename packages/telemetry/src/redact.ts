import { lastFour, maskCardNumbers } from './mask-numbers.ts'

/** Member names whose values are never logged (F10), compared without case, dashes, underscores. */
const SECRET_NAME =
  /^((proxy)?authorization|(set)?cookie|passwd|apikey|credentials?|privatekey|jwk|d)$/
const SECRET_ENDING = /(token|secret|password)s?$/
/** Members whose values are shown by their last four characters. */
const ACCOUNT_NUMBER = /^(source|destination|service)?accountnumber$|^(iban|cardnumber|pan)$/
const DIGITS = /\d(?:[ .-]?\d){12}/
const JWT = /\beyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)?/g
// Neither pattern matches a quotation mark, so a line of JSON stays valid JSON.
const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@"\\]*):[^\s/"\\]+@/gi
const CREDENTIALS = /\b(bearer|basic)\s+(?=[\w~+/.-]*\d)[\w~+/.=-]{8,}/gi
const MAX_DEPTH = 5
const MASK = '[redacted]'

/**
 * Masks JWTs, bearer and basic credentials, the passwords of connection URLs, and what may be a
 * card number in a line of JSON.
 */
export function redactText(text: string): string {
  // Most lines contain none of these, and searching for a fixed text is cheap.
  let masked = text
  if (masked.includes('eyJ')) masked = masked.replace(JWT, MASK)
  if (masked.includes('@')) masked = masked.replace(URL_PASSWORD, `$1:${MASK}@`)
  if (/bearer|basic/i.test(masked)) masked = masked.replace(CREDENTIALS, `$1 ${MASK}`)
  if (DIGITS.test(masked)) masked = maskCardNumbers(masked, stringsOfLine())
  return masked
}

/**
 * Whether a place in a line of JSON is inside a string; a masked number would end the JSON. Ask for
 * places from left to right: the line is read once.
 */
function stringsOfLine(): (line: string, index: number) => boolean {
  let at = 0
  let inside = false
  return (line, index) => {
    for (; at < index; at += 1) {
      if (line[at] === '\\') at += 1
      else if (line[at] === '"') inside = !inside
    }
    return inside
  }
}

/**
 * Masks the values of members with secret names, and account numbers but for their last four
 * characters, up to five levels deep. Copies only the objects on the path to one; returns an object
 * without any as is.
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
  const kind = kindOf(name)
  if (kind === 'secret') return MASK
  if (kind === 'account' && (typeof member === 'string' || typeof member === 'number')) {
    return lastFour(String(member))
  }
  if (typeof member !== 'object' || depth >= MAX_DEPTH || member instanceof Error) return member
  if (Array.isArray(member)) return redactItems(member, depth)
  if (!isPlain(member)) return member
  return redactMembers(member, depth + 1)
}

function redactItems(items: unknown[], depth: number): unknown[] {
  const masked = items.map((item) => redactMember('', item, depth + 1))
  return masked.some((item, index) => item !== items[index]) ? masked : items
}

type Kind = 'secret' | 'account' | 'plain'

const kinds = new Map<string, Kind>()
const NAMES_REMEMBERED = 1_000

function kindOf(name: string): Kind {
  const known = kinds.get(name)
  if (known !== undefined) return known
  const plain = name.toLowerCase().replaceAll(/[-_]/g, '')
  const secret = SECRET_NAME.test(plain) || SECRET_ENDING.test(plain)
  const kind = secret ? 'secret' : ACCOUNT_NUMBER.test(plain) ? 'account' : 'plain'
  if (kinds.size < NAMES_REMEMBERED) kinds.set(name, kind)
  return kind
}

function isPlain(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

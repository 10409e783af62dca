const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OBJECT = 0x7b
const ARRAY = 0x5b
const OBJECT_END = 0x7d
const ARRAY_END = 0x5d
const SPACE = 0x20
/** `t`, `f` and `n`, with which the words begin. */
const WORDS: Readonly<Record<number, [unknown, number]>> = {
  0x74: [true, 4],
  0x66: [false, 5],
  0x6e: [null, 4],
}

/** Where the reading of a text stands. */
interface Place {
  text: string
  index: number
}

/**
 * Reads JSON that `JSON.parse` has accepted and hands the text of each number to `number`. It takes
 * time in proportion to the text; a reviver takes twenty times as long, because the engine keeps
 * the source of every value for it. Recursion is bounded by the caller, who has checked the depth.
 */
export function readExactJson(text: string, number: (source: string) => unknown): unknown {
  return readValue({ text, index: 0 }, number)
}

function readValue(place: Place, number: (source: string) => unknown): unknown {
  const first = skipSpace(place)
  if (first === OBJECT) return readObject(place, number)
  if (first === ARRAY) return readArray(place, number)
  if (first === QUOTE) return readString(place)
  const word = WORDS[first]
  if (word !== undefined) {
    place.index += word[1]
    return word[0]
  }
  const start = place.index
  while (isOfNumber(place.text.charCodeAt(place.index))) place.index += 1
  return number(place.text.slice(start, place.index))
}

function readObject(place: Place, number: (source: string) => unknown): Record<string, unknown> {
  const members: Record<string, unknown> = {}
  place.index += 1
  if (skipSpace(place) === OBJECT_END) {
    place.index += 1
    return members
  }
  for (;;) {
    skipSpace(place)
    const name = readString(place)
    skipSpace(place)
    // The colon.
    place.index += 1
    const value = readValue(place, number)
    if (name === '__proto__') own(members, name, value)
    else members[name] = value
    if (!goesOn(place)) return members
  }
}

/** As JSON.parse does it: a member of this name is a member, not the prototype. */
function own(members: Record<string, unknown>, name: string, value: unknown): void {
  const shape = { value, enumerable: true, writable: true, configurable: true }
  Object.defineProperty(members, name, shape)
}

function readArray(place: Place, number: (source: string) => unknown): unknown[] {
  const items: unknown[] = []
  place.index += 1
  if (skipSpace(place) === ARRAY_END) {
    place.index += 1
    return items
  }
  do items.push(readValue(place, number))
  while (goesOn(place))
  return items
}

/** Steps over the comma, or over the bracket that ends the container. */
function goesOn(place: Place): boolean {
  const next = skipSpace(place)
  place.index += 1
  return next === COMMA
}

function readString(place: Place): string {
  const { text, index: start } = place
  let end = start + 1
  let escapes = false
  for (let code = text.charCodeAt(end); code !== QUOTE; code = text.charCodeAt(end)) {
    if (code === BACKSLASH) {
      escapes = true
      end += 1
    }
    end += 1
  }
  place.index = end + 1
  if (escapes) return JSON.parse(text.slice(start, end + 1)) as string
  return text.slice(start + 1, end)
}

/** The code of the first character that is not blank. */
function skipSpace(place: Place): number {
  let code = place.text.charCodeAt(place.index)
  while (code <= SPACE) {
    place.index += 1
    code = place.text.charCodeAt(place.index)
  }
  return code
}

/** Digits, signs, the point and the E: what a number of a valid text consists of. */
function isOfNumber(code: number): boolean {
  if (code >= 0x30 && code <= 0x39) return true
  return code === 0x2e || code === 0x2d || code === 0x2b || (code | 0x20) === 0x65
}

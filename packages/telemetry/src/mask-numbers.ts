/**
 * Matches 13 digits or more with single separators between them. Also matches UUIDs and hexadecimal
 * ids with a letter, so that they are skipped as a whole: a part of them can look like a card
 * number.
 */
const CANDIDATE = new RegExp(
  [
    String.raw`\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`,
    ...[16, 32, 40, 64].map((digits) => String.raw`\b(?=\d*[a-f])[0-9a-f]{${digits}}\b`),
    String.raw`\d(?:[ .-]?\d){12,}`,
  ].join('|'),
  'gi',
)
const DIGITS_ONLY = /^[\d .-]+$/
const IS_UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-/i
/** ISO/IEC 7812; no scheme issues shorter ones. */
const LENGTH = { min: 13, max: 19 }
const SHOWN = 4
/** The longest text of a card number: its digits and the separators between them. */
export const LONGEST_CARD_NUMBER = 2 * LENGTH.max - 1

/**
 * Masks what may be a card number (PAN): 13 to 19 digits, alone or in groups with a space, hyphen
 * or dot between them, whose check digit is right (Luhn). The last four digits stay, and so does
 * the length of the text. `isText` can spare numbers that are no text, such as those of a JSON
 * document.
 */
export function maskCardNumbers(
  text: string,
  isText: (text: string, index: number) => boolean = () => true,
): string {
  return text.replace(CANDIDATE, (found: string, index: number) => {
    if (!DIGITS_ONLY.test(found) || IS_UUID.test(found) || !isText(text, index)) return found
    return maskGroups(found)
  })
}

/** An escape of JSON; the code is that of a digit, a separator or U+0000. */
const ESCAPE = /\\(?:u00(3\d|2[0de]|00)|[^])/gi
/** The bytes of an escape with a code. */
export const ESCAPE_BYTES = 6

/**
 * The same for the bytes of a JSON document or another text, of any encoding in which digits are
 * those of ASCII. Digits and separators that JSON escapes count as themselves and are written so.
 */
export function maskCardNumbersIn(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1')
  const plain = text.includes('\\u00') ? text.replace(ESCAPE, withoutEscape) : text
  const masked = maskCardNumbers(plain)
  return masked === text ? bytes : Buffer.from(masked, 'latin1')
}

function withoutEscape(escape: string, code: string | undefined): string {
  if (code === undefined) return escape
  return code === '00' ? '' : String.fromCharCode(Number.parseInt(code, 16))
}

/** An account number as it is shown: its last four characters. */
export function lastFour(accountNumber: string): string {
  return accountNumber.length > SHOWN ? `****${accountNumber.slice(-SHOWN)}` : '****'
}

/** Masks each window of whole groups that may be a card number; linear in the length. */
function maskGroups(found: string): string {
  const places = [...found.matchAll(/\d/g)].map(({ index }) => index)
  const characters = [...found]
  const isEnd = (at: number): boolean => places[at + 1] !== places[at]! + 1
  for (let start = 0; start < places.length; start += 1) {
    if (start > 0 && !isEnd(start - 1)) continue
    const luhn = { ifOdd: 0, ifEven: 0 }
    const most = Math.min(LENGTH.max, places.length - start)
    for (let length = 1; length <= most; length += 1) {
      const at = start + length - 1
      addDigit(luhn, Number(found[places[at]!]), length)
      const sum = length % 2 === 0 ? luhn.ifEven : luhn.ifOdd
      if (length < LENGTH.min || sum % 10 !== 0 || !isEnd(at)) continue
      for (const place of places.slice(start, at + 1 - SHOWN)) characters[place] = '*'
    }
  }
  return characters.join('')
}

/**
 * The Luhn sum (ISO/IEC 7812-1, annex B) from the left: every second digit from the last but one is
 * doubled, so which ones depends on whether the length will be odd or even.
 */
function addDigit(luhn: { ifOdd: number; ifEven: number }, digit: number, length: number): void {
  const doubled = digit > 4 ? digit * 2 - 9 : digit * 2
  luhn.ifOdd += length % 2 === 0 ? doubled : digit
  luhn.ifEven += length % 2 === 0 ? digit : doubled
}

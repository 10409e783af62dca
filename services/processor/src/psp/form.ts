/** Writes the fields of a form in the given order. */
export function writeForm(fields: readonly (readonly [name: string, text: string])[]): Buffer {
  const form = new URLSearchParams()
  for (const [name, text] of fields) form.append(name, text)
  return Buffer.from(form.toString())
}

const FIELD = /^[\w.~*+-]*(?:%[\da-f]{2}[\w.~*+-]*)*$/i
const MOST_FIELDS = 64
const UTF8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Reads a form strictly: ASCII with whole escapes, valid UTF-8 behind them, and no name twice. Null
 * if it is anything else, so that two readers can never see different fields.
 */
export function readForm(bytes: Buffer): ReadonlyMap<string, string> | null {
  const fields = new Map<string, string>()
  const pairs = bytes.toString('latin1').split('&')
  if (pairs.length > MOST_FIELDS) return null
  for (const pair of pairs) {
    const [name, text, ...more] = pair.split('=').map(decode)
    if (name == null || name === '' || text == null || more.length > 0) return null
    if (fields.has(name)) return null
    fields.set(name, text)
  }
  return fields
}

function decode(text: string): string | null {
  if (!FIELD.test(text)) return null
  const escaped = text
    .replaceAll('+', ' ')
    .replaceAll(/%([\da-f]{2})/gi, (_all, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
  try {
    return UTF8.decode(Buffer.from(escaped, 'latin1'))
  } catch {
    return null
  }
}

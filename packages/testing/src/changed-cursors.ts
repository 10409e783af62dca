/** Every cursor that differs from this one in one byte, by one bit that depends on its place. */
export function changedCursors(cursor: string): string[] {
  const bytes = Buffer.from(cursor, 'base64url')
  return Array.from(bytes, (byte, place) => {
    const changed = Buffer.from(bytes)
    changed[place] = byte ^ (1 << (place % 8))
    return changed.toString('base64url')
  })
}

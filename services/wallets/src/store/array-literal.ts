/**
 * A PostgreSQL array of values that need no quoting (ids, integers, our own words): several times
 * faster than letting the driver escape each one. Null becomes NULL.
 */
export function arrayLiteral<T>(
  items: readonly T[],
  pick: (item: T) => string | bigint | number | null,
): string {
  let literal = '{'
  for (let index = 0; index < items.length; index += 1) {
    if (index > 0) literal += ','
    literal += pick(items[index]!) ?? 'NULL'
  }
  return literal + '}'
}

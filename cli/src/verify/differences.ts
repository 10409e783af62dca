/** A value that is stored twice: its name, and SQL for the found and for the expected value. */
export type Pair = readonly [name: string, found: string, expected: string]

/** SQL that is true where any pair differs; a cheap filter before `eachDifference`. */
export function anyDifference(pairs: readonly Pair[]): string {
  const found = pairs.map((pair) => pair[1]).join(', ')
  const expected = pairs.map((pair) => pair[2]).join(', ')
  return `ROW(${found}) IS DISTINCT FROM ROW(${expected})`
}

/** SQL to join with: a row `d(name, found, expected)` of texts for each pair that differs. */
export function eachDifference(pairs: readonly Pair[]): string {
  const rows = pairs.map(
    ([name, found, expected]) => `('${name}', (${found})::text, (${expected})::text)`,
  )
  return `LATERAL (
    SELECT name, coalesce(found, 'none') AS found, coalesce(expected, 'none') AS expected
    FROM (VALUES ${rows.join(', ')}) AS p(name, found, expected)
    WHERE found IS DISTINCT FROM expected
  ) AS d`
}

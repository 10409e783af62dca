/** Ids, both ends included, that were taken but not to be seen when a later one was published. */
export type Gap = {
  first: number
  last: number
  /** By the database's clock, in milliseconds: the transactions with the ids began before. */
  foundAt: number
}

/** How far a relay has come: everything up to `publishedTo` except what is in the gaps. */
export type OutboxProgress = { publishedTo: number; gaps: readonly Gap[] }

/**
 * The progress after the rows with these ascending ids were published: late ones leave their gap,
 * and ids that were jumped over become gaps (rule 5).
 */
export function advance(
  { publishedTo, gaps }: OutboxProgress,
  ids: readonly number[],
  foundAt: number,
): OutboxProgress {
  const late = ids.filter((id) => id <= publishedTo)
  const next: Gap[] = late.length === 0 ? [...gaps] : gaps.flatMap((gap) => split(gap, late))
  let last = publishedTo
  for (const id of ids) {
    if (id <= publishedTo) continue
    if (id > last + 1) next.push({ first: last + 1, last: id - 1, foundAt })
    last = id
  }
  return { publishedTo: last, gaps: next }
}

/** What is left of a gap without the ids that have come. */
function split(gap: Gap, ids: readonly number[]): Gap[] {
  const parts: Gap[] = []
  let first = gap.first
  for (const id of ids) {
    if (id < gap.first || id > gap.last) continue
    if (id > first) parts.push({ ...gap, first, last: id - 1 })
    first = id + 1
  }
  if (first <= gap.last) parts.push({ ...gap, first })
  return parts
}

/**
 * The gaps that can no longer be filled: found before the oldest transaction that is still open
 * began. They must be looked at once more afterwards, since that transaction may just have
 * committed.
 */
export function closable(gaps: readonly Gap[], oldestOpenAt: number): Gap[] {
  return gaps.filter(({ foundAt }) => foundAt < oldestOpenAt)
}

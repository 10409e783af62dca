/** The id before all others. */
export const FIRST_ID = '00000000-0000-0000-0000-000000000000'
/** The highest id: a reader that is at its end knows all rows up to it. */
export const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** A row that names a payment. */
export type OfPayment = { payment_id: string }

/** Reads rows in the order of their payment ids, a page at a time. */
export type SortedReader<T> = {
  /** The id up to which all rows are in memory. */
  knownTo(): Promise<string>
  /** Takes the rows up to the id, which must be known. */
  take(to: string): T[]
}

/** Reads ahead one page of `pages`, whose rows ascend by payment id. */
export function readSorted<T extends OfPayment>(pages: AsyncIterator<T[]>): SortedReader<T> {
  let buffer: T[] = []
  let ended = false
  return {
    async knownTo() {
      while (buffer.length === 0 && !ended) {
        const next = await pages.next()
        if (next.done) ended = true
        else buffer = next.value
      }
      return ended ? LAST_ID : buffer.at(-1)!.payment_id
    },
    take(to) {
      const end = buffer.findIndex((row) => row.payment_id > to)
      const taken = end === -1 ? buffer : buffer.slice(0, end)
      buffer = end === -1 ? [] : buffer.slice(end)
      return taken
    },
  }
}

/**
 * The same rows in pages that never divide a payment, of which there may be several rows: those of
 * the last payment of a page wait for the next one.
 */
export async function* wholePayments<T extends OfPayment>(
  pages: AsyncIterable<T[]>,
): AsyncGenerator<T[]> {
  let kept: T[] = []
  for await (const page of pages) {
    const rows = [...kept, ...page]
    const last = rows.at(-1)?.payment_id
    const start = rows.findIndex((row) => row.payment_id === last)
    kept = rows.slice(start)
    if (start > 0) yield rows.slice(0, start)
  }
  if (kept.length > 0) yield kept
}

/** The rows of each payment. */
export function groupByPayment<T extends OfPayment>(rows: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const row of rows) {
    const group = groups.get(row.payment_id)
    if (group) group.push(row)
    else groups.set(row.payment_id, [row])
  }
  return groups
}

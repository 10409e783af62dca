import { isRetryable } from '@caudal/retry/is-retryable.ts'

/** What became of one item: its answer, or the fault that it failed with by itself. */
export type Isolated<O> = { answer: O } | { fault: unknown }

/**
 * Processes a batch so that one bad item does not fail the others: a batch that fails is repeated
 * item by item, in order, and only what fails alone has a fault. A failed attempt must leave no
 * effect, so `process` is one transaction.
 *
 * @throws the fault of the batch if it is retryable (see `isRetryable`): no item caused it
 */
export async function processIsolated<I, O>(
  items: I[],
  process: (items: I[]) => Promise<O[]>,
): Promise<Isolated<O>[]> {
  try {
    const answers = await process(items)
    return answers.map((answer) => ({ answer }))
  } catch (fault) {
    if (isRetryable(fault)) throw fault
    if (items.length === 1) return [{ fault }]
  }
  const isolated: Isolated<O>[] = []
  for (const item of items) isolated.push(await processAlone(item, process))
  return isolated
}

async function processAlone<I, O>(
  item: I,
  process: (items: I[]) => Promise<O[]>,
): Promise<Isolated<O>> {
  try {
    const [answer] = await process([item])
    return { answer: answer as O }
  } catch (fault) {
    return { fault }
  }
}

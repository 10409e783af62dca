/** A queue of queues: each turn has its own, and they are served one after another. */
export interface TurnQueue<W> {
  /** Adds work that counts as `size` items behind what its turn has waiting. */
  add(turn: string, work: W, size: number): void
  /**
   * Removes work of at most `maxSize` items, within a turn in order; the first is taken whatever
   * its size. The turn that was served the fewest items comes first. Work that does not fit lets
   * the other turns pass and is the first of the next call. Of two turns that always wait, neither
   * is served more than `maxSize` and the largest work ahead of the other.
   */
  take(maxSize: number): W[]
  /** Items that wait in this turn. */
  sizeOf(turn: string): number
  /** Items that wait in all turns. */
  readonly size: number
}

interface Fifo<T> {
  push(value: T): void
  unshift(value: T): void
  first(): T | undefined
  shift(): void
}

interface Line<W> {
  turn: string
  size: number
  /** Items served since it waits, on top of the level at which it began to wait. */
  served: number
  entries: Fifo<{ work: W; size: number }>
}

/** Lines passed since the level rose or one was served, and the least that one was served. */
const NONE_PASSED = { count: 0, least: Number.POSITIVE_INFINITY }

/**
 * Deficit round robin, counted in items. The level rises item by item; a turn is due while it was
 * served no more than the level, so a large group is followed by as many items of each other turn.
 * Each operation costs the same, averaged over the items, however many items and turns wait. Empty
 * turns take no memory.
 */
export function createTurnQueue<W>(): TurnQueue<W> {
  const lines = new Map<string, Line<W>>()
  const rotation = createFifo<Line<W>>()
  let total = 0
  let level = 0

  /** Removes the first work of the first line. */
  function serve(line: Line<W>, size: number): void {
    line.entries.shift()
    line.size -= size
    line.served += size
    total -= size
    rotation.shift()
    if (line.size > 0) rotation.push(line)
    else lines.delete(line.turn)
  }

  function take(maxSize: number): W[] {
    const taken: W[] = []
    /** Lines that are due and whose work does not fit. */
    const held: Line<W>[] = []
    let room = maxSize
    let mostLevel = Number.POSITIVE_INFINITY
    let passed = NONE_PASSED
    for (let line = rotation.first(); line !== undefined && room > 0; line = rotation.first()) {
      const { work, size } = line.entries.first()!
      if (line.served > level) {
        rotation.shift()
        rotation.push(line)
        passed = { count: passed.count + 1, least: Math.min(passed.least, line.served) }
        if (passed.count < lines.size - held.length) continue
        if (passed.least > mostLevel) break
        level = passed.least
      } else if (size > room && taken.length > 0) {
        rotation.shift()
        held.push(line)
        mostLevel = Math.min(mostLevel, line.served + maxSize)
        continue
      } else {
        serve(line, size)
        taken.push(work)
        room -= size
      }
      passed = NONE_PASSED
    }
    for (const line of held.toReversed()) rotation.unshift(line)
    return taken
  }

  return {
    add(turn, work, size) {
      let line = lines.get(turn)
      if (line === undefined) {
        line = { turn, size: 0, served: level, entries: createFifo() }
        lines.set(turn, line)
        rotation.push(line)
      }
      line.entries.push({ work, size })
      line.size += size
      total += size
    },
    take,
    sizeOf: (turn) => lines.get(turn)?.size ?? 0,
    get size() {
      return total
    },
  }
}

/** A linked list, so that removing the first does not move the others. */
function createFifo<T>(): Fifo<T> {
  type Node = { value: T; next: Node | undefined }
  let head: Node | undefined
  let tail: Node | undefined
  return {
    push(value) {
      const node: Node = { value, next: undefined }
      if (tail === undefined) head = node
      else tail.next = node
      tail = node
    },
    unshift(value) {
      head = { value, next: head }
      tail ??= head
    },
    first: () => head?.value,
    shift() {
      head = head?.next
      if (head === undefined) tail = undefined
    },
  }
}

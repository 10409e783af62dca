/** A queue of queues: each turn has its own, and they are served one after another. */
export interface TurnQueue<W> {
  /** Adds work that counts as `size` items behind what its turn has waiting. */
  add(turn: string, work: W, size: number): void
  /**
   * Removes work of at most `maxSize` items, one of each turn in rotation; within a turn in order.
   * The first is taken whatever its size. The next call continues with the turn after the last
   * one.
   */
  take(maxSize: number): W[]
  /** Items that wait in this turn. */
  sizeOf(turn: string): number
  /** Items that wait in all turns. */
  readonly size: number
}

interface Fifo<T> {
  push(value: T): void
  first(): T | undefined
  shift(): void
}

interface Line<W> {
  turn: string
  size: number
  entries: Fifo<{ work: W; size: number }>
}

/** Each operation costs the same however many items and turns wait. Empty turns take no memory. */
export function createTurnQueue<W>(): TurnQueue<W> {
  const lines = new Map<string, Line<W>>()
  const rotation = createFifo<Line<W>>()
  let total = 0

  function lineOf(turn: string): Line<W> {
    let line = lines.get(turn)
    if (line === undefined) {
      line = { turn, size: 0, entries: createFifo() }
      lines.set(turn, line)
      rotation.push(line)
    }
    return line
  }

  function removeFirst(line: Line<W>, size: number): void {
    line.entries.shift()
    line.size -= size
    total -= size
    rotation.shift()
    if (line.size > 0) rotation.push(line)
    else lines.delete(line.turn)
  }

  return {
    add(turn, work, size) {
      const line = lineOf(turn)
      line.entries.push({ work, size })
      line.size += size
      total += size
    },
    take(maxSize) {
      const taken: W[] = []
      let room = maxSize
      for (let line = rotation.first(); line !== undefined && room > 0; line = rotation.first()) {
        const { work, size } = line.entries.first()!
        if (size > room && taken.length > 0) break
        removeFirst(line, size)
        taken.push(work)
        room -= size
      }
      return taken
    },
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
    first: () => head?.value,
    shift() {
      head = head?.next
      if (head === undefined) tail = undefined
    },
  }
}

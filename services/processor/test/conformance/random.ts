/** Choices that a seed decides. */
export type Random = {
  /** An integer from 0 up to, but not including, `end`. */
  below(end: number): number
  oneOf<T>(choices: readonly T[]): T
  uuid(): string
}

/** The same choices for the same seed. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0
  const below = (end: number): number => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end)
  }
  return {
    below,
    oneOf: (choices) => choices[below(choices.length)]!,
    uuid() {
      const hex = Array.from({ length: 32 }, () => below(16).toString(16)).join('')
      return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-a$4-$5')
    },
  }
}

/** The seed of a run: that of `CAUDAL_CONFORMANCE_SEED`, to replay one, or a new one. */
export function newSeed(): number {
  const given = process.env['CAUDAL_CONFORMANCE_SEED']
  return given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given)
}

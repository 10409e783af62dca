// In V8 since Node 22, but not in TypeScript's library yet.
const { rawJSON: rawJson } = JSON as typeof JSON & { rawJSON: (text: string) => object }

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER)

/**
 * JSON integers have no upper bound, JavaScript's numbers do: an amount as JSON.stringify writes it
 * exactly.
 */
export function exactInteger(value: bigint): unknown {
  return value <= MAX_SAFE && value >= -MAX_SAFE ? Number(value) : rawJson(value.toString())
}

import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'

/** A command of a guide, with the output that the next block shows. */
export interface Example {
  line: number
  language: string
  code: string
  /** null if the guide shows no output. */
  expected: Shown | null
}

/** An output as the guide shows it. */
export interface Shown {
  language: string
  text: string
}

const BLOCK = /^```([a-z ]+)\n([\s\S]*?)^```$/gm
/** Stands for parts of an output that differ between runs. */
const ANYTHING = '…'

/**
 * Parses the examples of a guide: each `sh` block with the `json` or `text` block that follows it.
 * A block with another name, `json event`, is an example without a command.
 */
export function blocksOf(markdown: string): Example[] {
  const examples: Example[] = []
  for (const { 1: language = '', 2: text = '', index } of markdown.matchAll(BLOCK)) {
    const line = markdown.slice(0, index).split('\n').length
    if (language === 'sh') examples.push({ line, language, code: text.trim(), expected: null })
    else if (language === 'json' || language === 'text') {
      const last = examples.at(-1)
      assert.ok(last?.expected === null && last.language === 'sh', `line ${line}: no command`)
      last.expected = { language, text }
    } else examples.push({ line, language, code: ':', expected: { language, text } })
  }
  return examples
}

/** null if an output equals the shown one, where `…` matches anything; else the output. */
export function differenceOf(output: string, { language, text }: Shown): string | null {
  if (language === 'text') {
    const [found, wanted] = [output, text].map((it) => it.trim().split('\n'))
    const same =
      found!.length === wanted!.length &&
      wanted!.every((line, index) => isLike(found![index]!, line))
    return same ? null : output
  }
  const wanted: unknown = JSON.parse(text)
  try {
    const found: unknown = JSON.parse(output)
    return isDeepStrictEqual(masked(found, wanted), wanted) ? null : output
  } catch {
    return output
  }
}

/** Replaces texts by those of `wanted` where they match a text with `…`. */
function masked(value: unknown, wanted: unknown): unknown {
  if (typeof wanted === 'string' && typeof value === 'string') {
    return isLike(value, wanted) ? wanted : value
  }
  if (Array.isArray(wanted) && Array.isArray(value)) {
    return value.map((item, index) => masked(item, wanted[index]))
  }
  if (typeof wanted !== 'object' || wanted === null) return value
  if (typeof value !== 'object' || value === null) return value
  const pairs = Object.entries(value).map(([name, item]) => {
    return [name, masked(item, (wanted as Record<string, unknown>)[name])]
  })
  return Object.fromEntries(pairs)
}

// An id in the guide shows only its beginning and matches any id; other texts match by their parts.
function isLike(value: string, wanted: string): boolean {
  if (!wanted.includes(ANYTHING)) return value === wanted
  if (/^[0-9a-f]{4}…$/.test(wanted)) return /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(value)
  const parts = wanted.split(ANYTHING).map((part) => part.replaceAll(/[^\w ]/g, '\\$&'))
  return new RegExp(`^${parts.join('.+')}$`).test(value)
}

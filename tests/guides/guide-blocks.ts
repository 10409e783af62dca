import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'

/** A block of a guide that is run, with the answer that the block behind it shows. */
export interface Example {
  line: number
  language: string
  code: string
  /** Null where the guide shows none. */
  expected: Shown | null
}

export interface Shown {
  language: string
  text: string
}

const BLOCK = /^```([a-z ]+)\n([\s\S]*?)^```$/gm
/** In answers it stands for what differs from one run to the next. */
const ANYTHING = '…'

/**
 * The examples of a guide in order: each `sh` block with the `json` or `text` that follows. A block
 * of another name, `json event`, is an example without a command.
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

/** Null if an output is what is shown, whatever stands where that has `…`; else the output. */
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

/** The value with `…` wherever the wanted one has a text with it and the own one fits. */
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

// What an id begins with in the guide is an example too; a time shows how it begins.
function isLike(value: string, wanted: string): boolean {
  if (!wanted.includes(ANYTHING)) return value === wanted
  if (/^[0-9a-f]{4}…$/.test(wanted)) return /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(value)
  const parts = wanted.split(ANYTHING).map((part) => part.replaceAll(/[^\w ]/g, '\\$&'))
  return new RegExp(`^${parts.join('.+')}$`).test(value)
}

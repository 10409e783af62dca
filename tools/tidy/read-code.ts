/** A text between quotes: what it says, and the line that it begins on, counted from 1. */
export interface QuotedText {
  text: string
  line: number
}

/** TypeScript with its texts set apart: `code` has blanks in place of texts and comments. */
export interface ReadCode {
  /** As long as the source, so that both have the same positions. */
  code: string
  texts: QuotedText[]
}

/** Behind these a slash begins a regular expression, not a division. */
const BEFORE_PATTERN = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\breturn|\bcase)$/
const TOKEN = /\/\/[^\n]*|\/\*[^]*?\*\/|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|[`/{}]/g
const PATTERN = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
const TEMPLATE_END = /(?:[^`\\$]|\\[^]|\$(?!\{))*(?:`|\$\{)/y

/** Reads as much of the language as rules about names and texts need. */
export function readCode(source: string): ReadCode {
  const texts: QuotedText[] = []
  const openBraces: ('code' | 'template')[] = []
  let code = ''
  let at = 0
  const lineOf = lineCounter(source)
  const takeCode = (end: number): void => {
    code += source.slice(at, end)
    at = end
  }
  const blank = (end: number): void => {
    code += source.slice(at, end).replaceAll(/[^\n]/g, ' ')
    at = end
  }
  const takeTemplate = (): void => {
    TEMPLATE_END.lastIndex = at + 1
    const [part = ''] = TEMPLATE_END.exec(source) ?? []
    const isOpen = part.endsWith('${')
    texts.push({ text: part.slice(0, isOpen ? -2 : -1), line: lineOf(at) })
    blank(at + 1 + part.length)
    if (isOpen) openBraces.push('template')
  }
  for (;;) {
    TOKEN.lastIndex = at
    const found = TOKEN.exec(source)
    if (found === null) break
    const [token] = found
    takeCode(found.index)
    if (token === '`') takeTemplate()
    else if (token === '{') {
      openBraces.push('code')
      takeCode(at + 1)
    } else if (token === '}') {
      if (openBraces.pop() === 'template') takeTemplate()
      else takeCode(at + 1)
    } else if (token === '/') {
      PATTERN.lastIndex = at
      const pattern = BEFORE_PATTERN.test(code.trimEnd()) ? PATTERN.exec(source) : null
      if (pattern === null) takeCode(at + 1)
      else blank(at + pattern[0].length)
    } else {
      const isComment = token.startsWith('/')
      if (!isComment) texts.push({ text: token.slice(1, -1), line: lineOf(at) })
      blank(at + token.length)
    }
  }
  takeCode(source.length)
  return { code, texts }
}

/** The line of a position; positions must be asked for in rising order. */
function lineCounter(source: string): (position: number) => number {
  let [line, counted] = [1, 0]
  return (position) => {
    for (; counted < position; counted += 1) if (source[counted] === '\n') line += 1
    return line
  }
}

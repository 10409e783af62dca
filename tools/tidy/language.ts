import { readCode } from './read-code.ts'
import type { SourceFile } from './source-tree.ts'

/** Programs do not speak, and a person has a role: docs/contributing/language.md has the words. */
const SPEECH = 'tells?|told|says|hears?|heard|announc\\w+|giv(?:es?|en|ing) back'
const VAGUE = new RegExp(`\\b(?:${SPEECH}|some(?:body|one)|nobody|whoever)\\b`, 'i')
const SOURCES = /^(?:(?:packages|services|simulators)\/[^/]+|cli)\/src\/.*(?<!\.test)\.ts$/
const REFERENCE = /^tools\/reference\/.*\.ts$/
const TITLE =
  /\b(?:test|it|describe)\(\s*(?:'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g

/** The texts of the product name the actor: details of errors, logs, descriptions, help. */
export function findVagueTexts(files: SourceFile[]): string[] {
  return files
    .filter(({ path }) => SOURCES.test(path) || REFERENCE.test(path))
    .flatMap(({ path, text }) =>
      readCode(text).texts.flatMap((quoted) => mistakesIn(`${path}:${quoted.line}`, quoted.text)),
    )
}

/** A test's title names what happens, with the words of the product. */
export function findVagueTitles(files: SourceFile[]): string[] {
  return files
    .filter(({ path }) => path.endsWith('.ts') && !path.startsWith('tools/tidy/'))
    .flatMap(({ path, text }) =>
      [...text.matchAll(TITLE)].flatMap((found) => {
        const line = text.slice(0, found.index).split('\n').length
        return mistakesIn(`${path}:${line}`, found[1] ?? found[2] ?? found[3] ?? '')
      }),
    )
}

function mistakesIn(place: string, text: string): string[] {
  const [word] = VAGUE.exec(text) ?? []
  return word === undefined ? [] : [`${place}: write who does what, instead of "${word}"`]
}

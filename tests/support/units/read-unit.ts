import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../root.ts'

const UNITS = join(ROOT, 'deploy/systemd')
const SETTING = /^(\w+)=(.*)$/gm

/** The settings of a unit and its drop-ins, by name, in the order of the files. */
export type Unit = {
  name: string
  all(setting: string): string[]
}

/** Reads a unit of deploy/systemd, such as `caudal@payments.service`, with its drop-ins. */
export async function readUnit(name: string): Promise<Unit> {
  const [, template, instance = ''] = /^(.*@)(.*)\.service$/.exec(name) ?? []
  const file = template === undefined ? name : `${template}.service`
  const dropIns = await readdir(join(UNITS, `${name}.d`)).catch((): string[] => [])
  const paths = [file, ...dropIns.toSorted().map((it) => join(`${name}.d`, it))]
  const texts = await Promise.all(paths.map((path) => readFile(join(UNITS, path), 'utf8')))
  const settings = texts.flatMap((text) => [...text.matchAll(SETTING)])
  return {
    name,
    all: (setting) =>
      settings
        .filter(([, found]) => found === setting)
        .map(([, , value = '']) => value.replaceAll('%i', instance)),
  }
}

/** Parses a file of `EnvironmentFile=`: a variable a line, in quotes or without. */
export function parseEnvironmentFile(text: string): Record<string, string> {
  const lines = [...text.matchAll(/^([A-Z][A-Z0-9_]*)=(?:'([^'\n]*)'|(.*))$/gm)]
  return Object.fromEntries(lines.map(([, name, quoted, plain]) => [name!, quoted ?? plain ?? '']))
}

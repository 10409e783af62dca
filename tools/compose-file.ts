import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

/** The part of a Compose service that is looked at here. */
export type ComposeService = {
  image: string
  command?: string[]
  environment?: Record<string, string | number>
  healthcheck?: { test: string[] }
  depends_on?: Record<string, { condition: string }>
  profiles?: string[]
}

export type ComposeFile = { services: Record<string, ComposeService> }

export const COMPOSE_DIR = join(import.meta.dirname, '../deploy/compose')

/** The file as Compose reads it: its anchors merged, its variables in place. */
export function readComposeFile(env: Readonly<Record<string, string>>): ComposeFile {
  const text = readFileSync(join(COMPOSE_DIR, 'compose.yaml'), 'utf8')
  return interpolate(parse(text, { merge: true }), env) as ComposeFile
}

/** Names that the file asks the environment for. */
export function variablesOf(text: string): string[] {
  return [...new Set([...text.matchAll(/\$\{(\w+)/g)].map(([, name]) => name!))].toSorted()
}

/** As Compose does it: `${NAME:?}` must be there and not empty. */
function interpolate(value: unknown, env: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(/\$\{(\w+)(:\?)?\}/g, (_, name: string) => {
      const found = env[name]
      if (!found) throw new Error(`required variable ${name} is missing a value`)
      return found
    })
  }
  if (Array.isArray(value)) return value.map((item) => interpolate(item, env))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, interpolate(item, env)]),
  )
}

/** An .env file: `NAME=value`, where single quotes keep what is between them as it is. */
export function readEnvFile(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => /^\w+=/.test(line))
  return Object.fromEntries(
    lines.map((line) => {
      const [, name = '', value = ''] = /^(\w+)=(.*)$/.exec(line) ?? []
      return [name, value.replace(/^'(.*)'$/, '$1')]
    }),
  )
}

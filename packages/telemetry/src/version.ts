import { readFileSync } from 'node:fs'

let version: string | undefined

/** The version of Caudal, from the root manifest, which a release sets (CONTRIBUTING.md). */
export function versionOfCaudal(): string {
  const manifest = new URL('../../../package.json', import.meta.url)
  version ??= (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
  return version
}

import { readFileSync } from 'node:fs'
import { Gauge, type Registry } from 'prom-client'

let version: string | undefined

/** `caudal_build_info`: 1, with the version of the product and of Node as labels. */
export function addBuildInfo(registry: Registry): void {
  const labels = { version: versionOfProduct(), node: process.versions.node }
  new Gauge({
    name: 'caudal_build_info',
    help: 'The version of Caudal and of Node that runs.',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set(labels, 1)
}

/** The version in the root manifest, which a release sets (CONTRIBUTING.md). */
function versionOfProduct(): string {
  if (version !== undefined) return version
  const manifest = new URL('../../../package.json', import.meta.url)
  version = (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
  return version
}

import { Gauge, type Registry } from 'prom-client'
import { versionOfCaudal } from './version.ts'

/** `caudal_build_info`: 1, with the version of the product and of Node as labels. */
export function addBuildInfo(registry: Registry): void {
  const labels = { version: versionOfCaudal(), node: process.versions.node }
  new Gauge({
    name: 'caudal_build_info',
    help: 'The version of Caudal and of Node that runs.',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set(labels, 1)
}

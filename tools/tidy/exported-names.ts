import { readCode } from './read-code.ts'
import type { SourceFile } from './source-tree.ts'

/**
 * One product, whose parts import each other. The simulators stand in for others' systems, each
 * with words of its own.
 */
const PRODUCT = /^(?:(?:packages|services)\/[^/]+|cli)\/src\/.*(?<!\.test)\.ts$/
const EXPORTED = /^export (?:async |abstract )?(?:function\*?|class|const|interface|type) (\w+)/gm

/** What every service has, under the same name and in the same place, so that readers find it. */
const OF_EVERY_SERVICE = new Map([
  ['start', 'starts the service; of the command line, the command that does'],
  ['Config', 'its configuration'],
  ['readConfig', 'reads it'],
  ['processBatch', 'its spine'],
  ['ProcessBatchDeps', 'what the spine needs'],
  ['handlers', 'its events'],
  ['orderBy', 'the keys that keep its events in order'],
  ['Observer', 'its metrics and logs'],
  ['createObserver', 'makes them'],
])

/**
 * A name is exported by one file: two meanings have two names, and what means the same is declared
 * once.
 */
export function findRepeatedNames(files: SourceFile[]): string[] {
  const pathsOf = new Map<string, Set<string>>()
  for (const { path, text } of files) {
    if (!PRODUCT.test(path)) continue
    for (const [, name = ''] of readCode(text).code.matchAll(EXPORTED)) {
      if (OF_EVERY_SERVICE.has(name)) continue
      pathsOf.set(name, (pathsOf.get(name) ?? new Set()).add(path))
    }
  }
  return [...pathsOf].flatMap(([name, paths]) => {
    const [first, ...others] = paths
    return others.map((path) => `${path}: exports ${name}, and so does ${first}`)
  })
}

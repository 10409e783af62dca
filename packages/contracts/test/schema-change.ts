import { isDeepStrictEqual } from 'node:util'
import type { JsonSchema } from '../src/json-schema.ts'

/** What a change of a schema asks of its version. */
export type SchemaChange = 'none' | 'patch' | 'minor'

/**
 * The part of `schema_version` that must rise: a patch where only optional members were added, so
 * that an older reader may ignore them; a minor version for every other change.
 */
export function schemaChange(before: JsonSchema, after: JsonSchema): SchemaChange {
  if (isDeepStrictEqual(constraintsOf(before), constraintsOf(after))) return 'none'
  const { properties: oldMembers, items: oldItems, ...oldRest } = constraintsOf(before)
  const { properties: newMembers, items: newItems, ...newRest } = constraintsOf(after)
  if (!isDeepStrictEqual(oldRest, newRest)) return 'minor'
  if (oldItems && newItems && schemaChange(oldItems, newItems) === 'minor') return 'minor'
  if (!oldItems !== !newItems || !oldMembers !== !newMembers) return 'minor'
  const kept = Object.entries(oldMembers ?? {}).map(([name, member]) => {
    const next = newMembers?.[name]
    return next === undefined ? 'minor' : schemaChange(member, next)
  })
  // A new member is optional here: the lists of required members are equal.
  return kept.includes('minor') ? 'minor' : 'patch'
}

/** Without what only explains; the order of required members means nothing. */
function constraintsOf({ title: _, description: __, ...schema }: JsonSchema): JsonSchema {
  return schema.required ? { ...schema, required: schema.required.toSorted() } : schema
}

/** Whether `after` is as far above `before` as the change asks. */
export function versionCovers(change: SchemaChange, before: string, after: string): boolean {
  const [major = 0, minor = 0, patch = 0] = partsOf(after).map(
    (part, index) => part - partsOf(before)[index]!,
  )
  const raisesMinor = major > 0 || (major === 0 && minor > 0)
  const raisesPatch = raisesMinor || (major === 0 && minor === 0 && patch > 0)
  if (change === 'minor') return raisesMinor
  return change === 'patch' ? raisesPatch : raisesPatch || after === before
}

export function partsOf(version: string): number[] {
  return version.split('.').map(Number)
}

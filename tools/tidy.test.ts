// The rules that no linter of ours can express, applied to the repository in the working directory.
// Each rule is a pure function in tools/tidy and is proved there by a planted mistake.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findLostCitations } from './tidy/cited-files.ts'
import {
  findHandNumberedParameters,
  findHardCodedScopes,
  findMisnamedErrors,
  findUndocumentedExports,
} from './tidy/code.ts'
import { findErrorDrift, findLostPaths, findUnshownPromises } from './tidy/documents.ts'
import { findRepeatedNames } from './tidy/exported-names.ts'
import { findVagueTexts, findVagueTitles } from './tidy/language.ts'
import { findBareDisables, findLongLines, findMachinePaths, findOpenEnds } from './tidy/lines.ts'
import { findLooseVersions, findUnlockedPlatforms, findUnnamedScripts } from './tidy/manifests.ts'
import { findChangedMigrations } from './tidy/migrations.ts'
import {
  findBarrels,
  findLooseFiles,
  findMigrationRepeats,
  findOddNames,
  findVagueFolders,
} from './tidy/names.ts'
import { readTree, type SourceFile } from './tidy/source-tree.ts'

const RULES: Record<string, (files: SourceFile[]) => string[]> = {
  'no file is a barrel': findBarrels,
  'folders are called after what is in them': findVagueFolders,
  'only composition and spine lie beside the folders of a service': findLooseFiles,
  'code files have kebab-case names': findOddNames,
  'each migration has a number of its own': findMigrationRepeats,
  'a migration that has landed is never changed': findChangedMigrations,
  'every exported function has a docstring': findUndocumentedExports,
  'a name is exported by one file': findRepeatedNames,
  'many parameters of SQL are numbered by the sql template': findHandNumberedParameters,
  'an error is logged as err': findMisnamedErrors,
  'scopes are named by the list of the contracts': findHardCodedScopes,
  'texts of the product name the actor': findVagueTexts,
  'titles of tests name the actor': findVagueTitles,
  'lines end by column 100': findLongLines,
  'no file names a path of one machine': findMachinePaths,
  'no open end is left in the code': findOpenEnds,
  'a rule is switched off with a reason only': findBareDisables,
  'every path that ARCHITECTURE.md names exists': findLostPaths,
  'every file that a document or a comment cites exists': findLostCitations,
  'every error code is documented, and no other': findErrorDrift,
  'every promise is shown by a test that names it': findUnshownPromises,
  'dependencies have exact versions': findLooseVersions,
  'npm may run every install script that is needed': findUnnamedScripts,
  'the lock file has the packages of every platform': findUnlockedPlatforms,
}

const files = readTree(process.cwd())

for (const [title, findMistakes] of Object.entries(RULES)) {
  test(title, () => {
    const mistakes = findMistakes(files)
    assert.ok(mistakes.length === 0, mistakes.join('\n'))
  })
}

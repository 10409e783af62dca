// The gate `commits`: subjects of the commits since the recorded base are short enough to be read.
import { findLongSubjects } from './commit-subjects.ts'

const { skipped, mistakes } = findLongSubjects(process.cwd())
if (skipped !== undefined) console.log(skipped)
for (const mistake of mistakes) console.error(mistake)
process.exitCode = mistakes.length === 0 ? 0 : 1

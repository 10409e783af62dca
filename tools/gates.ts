import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

/** One check that a change must pass: a program of node_modules/.bin, run at a root. */
export interface Gate {
  name: string
  program: string
  args: string[]
}

/** The result of a gate: whether the tree passed, everything it printed, and how long it took. */
export interface Verdict {
  gate: Gate
  passed: boolean
  output: string
  durationMs: number
}

const REPOSITORY = join(import.meta.dirname, '..')

/** The gates of `npm run check`; tools/gates.test.ts proves that each of them can fail. */
export const GATES: Gate[] = [
  { name: 'format', program: 'oxfmt', args: ['--check'] },
  { name: 'lint', program: 'oxlint', args: [] },
  { name: 'types', program: 'tsc', args: ['--noEmit'] },
  { name: 'unused', program: 'knip', args: ['--no-progress', '--no-config-hints'] },
  { name: 'tidy', program: 'node', args: ['--test', join(import.meta.dirname, 'tidy.test.ts')] },
  { name: 'commits', program: 'node', args: [join(import.meta.dirname, 'check-commits.ts')] },
]

/** Runs a gate over the tree at `root`, with the programs that this repository has installed. */
export async function runGate(gate: Gate, root = REPOSITORY): Promise<Verdict> {
  const startedMs = performance.now()
  const binaries = join(REPOSITORY, 'node_modules', '.bin')
  // A test runner inside a test runner would report to its parent instead of by its exit code.
  const { NODE_TEST_CONTEXT: _, PATH = '', ...environment } = process.env
  const child = spawn(join(binaries, gate.program), gate.args, {
    cwd: root,
    env: { ...environment, PATH: `${binaries}${delimiter}${PATH}` },
    shell: process.platform === 'win32',
  })
  let output = ''
  const collect = (chunk: Buffer): void => {
    output += chunk.toString()
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const passed = await new Promise<boolean>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code === 0))
  })
  return {
    gate,
    passed,
    output: stripVTControlCharacters(output),
    durationMs: performance.now() - startedMs,
  }
}

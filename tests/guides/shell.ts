import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestScope } from '@caudal/testing/test-database.ts'
import { ROOT } from '../support/root.ts'

/** A running shell. */
export interface Shell {
  /** Runs lines and returns their output; variables are kept for the next lines. */
  run(lines: string): Promise<string>
}

const CLI = join(ROOT, 'cli/bin/caudal.js')
const TIMEOUT_MS = 60_000

/** Starts `sh` in a new folder, with an `npx caudal` that runs this repository's command. */
export function startShell(scope: TestScope, dataDir: string): Shell {
  const child = spawn('sh', [], { stdio: ['pipe', 'pipe', 'pipe'] })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()))
  const ended = new Promise<void>((done) => child.once('close', () => done()))
  const folder = mkdtemp(join(tmpdir(), 'caudal-test-guide-'))
  scope.after(async () => {
    child.stdin.end()
    await ended
    await rm(await folder, { recursive: true })
  })
  const runLines = (lines: string): Promise<string> => {
    const end = `end-${randomUUID()}`
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${lines}\n${output.stderr}`)), TIMEOUT_MS)
      const look = (): void => {
        const at = output.stdout.indexOf(end)
        if (at < 0) return
        clearTimeout(timer)
        child.stdout.off('data', look)
        const text = output.stdout.slice(0, at)
        output.stdout = ''
        if (output.stderr === '') resolve(text)
        else reject(new Error(`${lines}\n${text}\n${output.stderr}`))
      }
      child.stdout.on('data', look)
      child.stdin.write(`${lines}\nprintf '\\n%s\\n' ${end}\n`)
    })
  }
  const ready = folder.then((cwd) =>
    runLines(
      `cd '${cwd}'; npx() { shift; '${process.execPath}' '${CLI}' "$@" --data '${dataDir}'; }`,
    ),
  )
  return {
    async run(lines) {
      await ready
      return runLines(lines)
    },
  }
}
